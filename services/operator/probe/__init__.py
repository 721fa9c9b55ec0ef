"""Holds what our code assumes of an exchange against what the exchange does."""
