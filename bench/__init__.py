"""Measures the accept path against the obvious design, in one process and one run."""
