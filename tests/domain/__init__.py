"""Tests of the pure core: events given, numbers expected."""
