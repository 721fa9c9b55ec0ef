"""Metrics for Prometheus: figures of every process, made from their reports."""
