"""Feeds another store with rows of the tape: reads its ledger, slows nobody down."""
