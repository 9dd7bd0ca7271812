"""The protocol between the logs as a small program, checked against a batch computation."""
