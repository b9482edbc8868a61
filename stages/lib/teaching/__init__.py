"""Who ranks the corpus for the student, and the rows that it learns from."""
