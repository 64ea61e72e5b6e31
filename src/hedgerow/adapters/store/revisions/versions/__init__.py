"""One file for each schema; its revision is the number of the schema."""
