"""Measures booktape's costs against their goals: `make bench`."""
