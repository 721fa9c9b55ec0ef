"""Probes exchanges: tests what our code assumes against what an exchange does."""
