"""Stores: SQLite for one node, and memory with the same behaviour for simulation."""
