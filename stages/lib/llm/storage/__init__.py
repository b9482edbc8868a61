"""Where responses are kept: the user's journal, the stages' outputs, and both as one store."""
