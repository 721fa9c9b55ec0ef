"""Exports a day of a market in other programs' formats: one module for each."""
