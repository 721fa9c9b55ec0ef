"""The page that people look at, and the calls for when nobody does."""
