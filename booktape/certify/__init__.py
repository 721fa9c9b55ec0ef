"""Certifies days: writes a day's rows as one file a table, with a certificate."""
