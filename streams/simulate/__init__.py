"""Seeded delivery days, with the truth written beside the events."""
