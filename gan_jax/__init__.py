"""Learns a painter's paintings by period and paints the years between."""

__version__ = "0.1.0"
