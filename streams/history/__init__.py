"""A month that never was, for boards that are looked at for the first time."""
