"""Reads one segment: the needed bytes, its pages, its rows."""
