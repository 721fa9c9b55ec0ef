"""Certifies days: writes a day's rows into one file per table, and a certificate."""
