"""Training the student, and choosing what ships."""
