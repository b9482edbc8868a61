"""Which queries are worth training on."""
