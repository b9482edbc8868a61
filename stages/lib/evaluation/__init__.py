"""Systems compared on judged queries, and the report."""
