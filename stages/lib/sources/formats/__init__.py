"""Files of people's own documents: a module a kind of file, and the table of kinds."""
