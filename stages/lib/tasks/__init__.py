"""Rows of tasks, and one model that is trained on several tasks."""
