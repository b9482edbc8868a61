"""How likely a language model finds an answer, given a query and a document."""
