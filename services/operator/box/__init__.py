"""The box: its releases, and what a deploy does on it."""
