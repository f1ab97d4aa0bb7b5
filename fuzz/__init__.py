"""Fuzzing by coverage: files that nobody wrote, made by what the code does with the ones before; see README.md."""
