"""The whole house from one integer: the real nodes on a virtual clock, with every fault that a seed can think of."""
