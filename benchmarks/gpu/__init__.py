"""What wants a GPU, in parts with models of published shapes and random weights; without a GPU, toys on the CPU."""
