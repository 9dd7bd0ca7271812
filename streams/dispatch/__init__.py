"""The dispatcher: from a notice command to a message the customer has, once."""
