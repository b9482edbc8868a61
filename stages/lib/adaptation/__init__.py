"""Trains a small adapter behind an embedder's queries, whose documents stay as they are."""
