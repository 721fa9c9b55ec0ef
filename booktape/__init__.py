"""Read order books of crypto exchanges from a tape that proves itself whole."""
