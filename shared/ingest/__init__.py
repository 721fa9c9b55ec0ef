"""One ingest process: built, watched and ended."""
