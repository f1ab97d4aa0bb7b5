"""Inside a net: what its gates do, how far back it remembers, where gradients flow, and what a forecast rests on."""
