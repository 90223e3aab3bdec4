"""Definitions of events: their fields, versions and compiled checks."""
