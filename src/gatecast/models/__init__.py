"""Window in, forecast out: normalise, encode, decode, head."""
