"""Where events go, one file each: settings, a pure build, and which answers are final."""
