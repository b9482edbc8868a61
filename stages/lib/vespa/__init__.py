"""Vespa as the engine that serves a tuned model."""
