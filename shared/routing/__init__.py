"""Which definition goes to which destination, and how."""
