"""Duties over time: the rights of the data subject and what they leave as evidence."""
