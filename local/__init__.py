"""The local stack: everything that Signalbox needs of the cloud, on one machine. A development tool."""
