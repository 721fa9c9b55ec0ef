"""Finds when a book is known: spans, stitched; rows, the book at a moment, coverage."""
