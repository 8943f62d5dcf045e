"""The page a person reads: one HTML file with the pictures and the figures of a study."""
