"""A real Prometheus over the real processes."""
