"""Computes the answers of a tape: one table for each call."""
