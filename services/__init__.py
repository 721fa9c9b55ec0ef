"""The processes of booktape, one folder each."""
