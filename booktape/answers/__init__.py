"""What a tape is asked: the table that each call returns."""
