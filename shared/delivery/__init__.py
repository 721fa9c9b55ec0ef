"""Delivers events to the writer: frame, journal, pipe."""
