"""The proof that a tape is whole, from its objects alone."""
