"""Writes a page that shows some days of a tape: one file, which loads nothing else."""
