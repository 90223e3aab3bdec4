"""The kinds of destination, one file each. Every module here is one."""
