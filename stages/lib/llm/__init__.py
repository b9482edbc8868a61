"""Talking to language models: requests, providers, the response store and strict parsing."""
