"""The latent space: finding real paintings in it, and ways through it."""
