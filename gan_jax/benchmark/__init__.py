"""How fast a machine is: our step, sampling and inversion, and a tuned PyTorch step of the same work beside them."""
