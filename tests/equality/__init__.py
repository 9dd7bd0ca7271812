"""The running tower and a replay of the same events say the same, field by field."""
