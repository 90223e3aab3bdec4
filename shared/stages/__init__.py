"""The line's steps, one verb a file."""
