"""Measures how near sets of images are to a painter's periods, each figure with its uncertainty and its floor."""
