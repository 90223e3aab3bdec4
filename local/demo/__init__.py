"""The demonstration that `make run` gives: a furnished section, and a sample event for everything that can happen."""
