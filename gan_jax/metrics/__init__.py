"""Functions of sets of images, which know nothing of a study: how far two sets are apart, how varied one is, whether one copies another.

from gan_jax.metrics import features, kid

measure = features.extractor("texture")  # uint8 [n, r, r, 3] to float64 [n, d]
standardise = features.Standardiser.fit(measure(real))
kid.kid(standardise(measure(generated)), standardise(measure(real)), seed=0)  # value, low, high
"""
