"""The demonstration: the town of Riverside and the acts played on it."""
