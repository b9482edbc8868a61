"""What every wing stands on: collections, files, seeds, text, hashes."""
