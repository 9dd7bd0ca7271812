"""The vocabulary of the tower: what is said on its topics, with no behaviour."""
