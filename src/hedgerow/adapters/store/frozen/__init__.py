"""Schemas that were given out, written out: a file for each schema and database, a statement a line."""
