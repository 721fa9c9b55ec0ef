"""Where a tape lives: a folder or a bucket."""
