"""Mappings, the tables they read and the events that come out."""
