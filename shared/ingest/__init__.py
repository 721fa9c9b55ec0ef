"""Builds, watches and ends one ingest process."""
