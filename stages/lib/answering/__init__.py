"""Answers from retrieved passages: writing them, and telling what they are worth."""
