"""What make runs on rows of tasks: bring them in, hand them on, find negatives, score."""
