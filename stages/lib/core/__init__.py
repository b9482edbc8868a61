"""What all other packages use: collections, files, seeds, text, hashes."""
