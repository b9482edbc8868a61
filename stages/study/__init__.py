"""What make runs to measure beside the pipeline, and to show what was measured."""
