"""What a person runs: up, demo, status, handover, book, verify, exchanges."""
