"""Conditions on rows: read from text, checked against columns, written in one form."""
