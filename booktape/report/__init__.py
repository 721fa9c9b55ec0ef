"""Writes a report of some days of a tape: one page, which loads nothing else."""
