"""Searching a corpus in memory, and measuring what was found."""
