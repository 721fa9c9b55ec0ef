"""A store is where a tape lives: a folder or a bucket."""
