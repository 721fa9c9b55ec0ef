"""A market's events into books and their best levels."""
