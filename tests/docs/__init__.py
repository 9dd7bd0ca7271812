"""Pages that say what the code does are held against it."""
