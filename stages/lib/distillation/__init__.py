"""Fits the base's query encoder into the vector space of another embedder."""
