"""gatecast at home in other people's tools: one file each, and nothing loaded that is not asked for."""
