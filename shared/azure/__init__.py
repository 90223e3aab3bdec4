"""The adapters: the only place that imports Azure SDKs or opens a connection."""
