"""The shared middle of Signalbox: the line, its rooms and its adapters."""
