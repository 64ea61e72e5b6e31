"""Differentially private synthetic tables: rows of people who do not exist, by noisy marginals."""
