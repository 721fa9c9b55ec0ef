"""The answers of a tape: the table that each call returns."""
