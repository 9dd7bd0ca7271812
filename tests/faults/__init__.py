"""What the processes do when something around them fails."""
