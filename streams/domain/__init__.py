"""The rules of delivery, pure: no clock, no randomness, no input or output."""
