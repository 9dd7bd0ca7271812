"""Exports: the file, the audit of a running tower, a new namespace made of it, a restore."""
