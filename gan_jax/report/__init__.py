"""The page a person reads: one HTML file with the images and the figures of a study."""
