"""One segment: which bytes of it are needed, its pages, its rows."""
