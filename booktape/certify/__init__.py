"""Certified days: a day's rows in one file a table, and a certificate of what they are."""
