"""What Vespa gets: the application package and the feed."""
