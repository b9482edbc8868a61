"""The local page: search, judge, review and ask."""
