"""What booktape costs, measured against its goals: `make bench`."""
