"""The page's addresses: requests in, HTML out."""
