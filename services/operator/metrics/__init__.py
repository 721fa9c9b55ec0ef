"""What Prometheus is told: figures of every process, made of what they report."""
