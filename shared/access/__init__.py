"""Sections and the credentials that reach into them."""
