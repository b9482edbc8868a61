"""Searching in Vespa."""
