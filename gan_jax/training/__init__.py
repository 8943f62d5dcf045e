"""Training a GAN on the paintings of the two periods."""
