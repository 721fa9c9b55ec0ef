"""What the processes of booktape share."""
