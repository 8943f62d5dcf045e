"""Learns a painter's works by period and paints the years between."""

__version__ = "0.1.0"
