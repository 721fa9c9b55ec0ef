"""The quiet core: turns an exchange's messages into events."""
