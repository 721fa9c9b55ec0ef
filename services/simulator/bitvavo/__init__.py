"""The simulated Bitvavo: its protocol, answers and markets."""
