"""Table in, Panel and tensors out."""
