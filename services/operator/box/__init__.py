"""The box: its releases, and the steps of a deploy on it."""
