"""The box: its releases, its configurations, the steps of a deploy."""
