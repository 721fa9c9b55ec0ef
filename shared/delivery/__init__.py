"""The way of events to the writer: frame, journal, pipe."""
