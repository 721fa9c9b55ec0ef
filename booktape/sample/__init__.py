"""A small tape made by code, so that the library alone has something to read."""
