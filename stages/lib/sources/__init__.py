"""Where collections come from: one module a source."""
