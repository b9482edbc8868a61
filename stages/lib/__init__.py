"""What the stages share: nouns of the field, as functions on objects."""
