"""Pictures as PNG and the one-file HTML report."""
