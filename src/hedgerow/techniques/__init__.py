"""What can be done with personal data: one folder each, blind to each other."""
