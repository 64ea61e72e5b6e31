"""Pure mathematics and protocols: no clock, no files, no network."""
