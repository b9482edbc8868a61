"""Models that turn texts into vectors: where they come from, and their vectors on disk."""
