"""The commands that an operator runs, and what they stand on."""
