"""Serves the page, and calls a webhook about troubles."""
