"""Paintings with dates, from a table and a folder or from the built-in painter."""
