"""A day of a market in the formats of those who read them: one module for each."""
