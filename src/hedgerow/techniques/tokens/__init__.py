"""Tokens in place of values: keyed, reversible, format-preserving, random, surrogate, and coarser values."""
