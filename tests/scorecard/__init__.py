"""The closed month: its orders, numbers, page and hash."""
