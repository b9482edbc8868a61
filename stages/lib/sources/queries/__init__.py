"""Queries that come with a collection: people's, other tools', and the splits they stand in."""
