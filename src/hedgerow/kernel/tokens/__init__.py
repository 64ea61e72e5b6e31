"""Tokens for values: keyed, reversible, format-preserving, random, surrogate, shifted and coarse."""
