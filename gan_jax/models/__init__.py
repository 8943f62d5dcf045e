"""Flax Linen networks: Progressive GAN and DCGAN."""
