"""Changing what Vespa serves."""
