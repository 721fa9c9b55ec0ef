"""Feeds another store with rows of the tape: a reader of its ledger, in nobody's way."""
