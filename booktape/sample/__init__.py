"""Makes a sample: a small tape for users of the library alone."""
