"""Seeded runs of the whole tower under faults, judged by replay (docs/testing.md)."""
