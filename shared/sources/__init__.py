"""Webhook senders, one file each: pure functions from headers and body to events."""
