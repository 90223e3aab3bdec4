"""A local Functions host: Microsoft's own Python worker library behind a small HTTP server, pumps and timers."""
