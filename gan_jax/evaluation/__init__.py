"""Judges a study: how near its images are to a painter's periods, each figure with its uncertainty and its floor."""
