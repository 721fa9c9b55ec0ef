"""The code that the processes of booktape share."""
