"""A page that shows some days of a tape: one file, which asks nobody for anything."""
