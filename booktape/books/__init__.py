"""Finds when a book is known: its spans, stitched; its rows, the book at a moment, its coverage."""
