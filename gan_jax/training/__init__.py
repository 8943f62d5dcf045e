"""Training a GAN on the works of the two periods."""
