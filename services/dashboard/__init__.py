"""Serves the page that people look at, and calls somebody when nobody looks."""
