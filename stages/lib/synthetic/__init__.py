"""Tasks and examples that a language model thinks up, for an embedder without a collection."""
