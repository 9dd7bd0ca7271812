"""The streams of the tower: from bytes on a topic to a verdict, a number and a message."""
