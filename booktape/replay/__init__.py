"""Replays a market's events into books and their best levels."""
