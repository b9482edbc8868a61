"""Bigger embedders beside the base: models in a folder, and those behind an endpoint."""
