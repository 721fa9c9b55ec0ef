"""The toy's protocol, on loopback."""
