"""Dev queries whose documents a language model grades."""
