"""The demo: the whole tower on one machine, watched from a terminal."""
