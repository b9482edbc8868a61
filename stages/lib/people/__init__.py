"""What people judged and decided, as files that git keeps."""
