"""The public data counted by a second route, and compared with what the tower reports."""
