"""Our assumptions about Bitvavo, and their tests."""
