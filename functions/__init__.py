"""The triggers: each parses, makes one call into the flow or a service, and maps the answer."""
