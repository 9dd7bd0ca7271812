"""Predictions in the open: when they are made, what is remembered of them, how they did.

`horizons` says when an order is predicted and what is known of it then, `said` is what its row
remembers, `model` is all that was learnt so far, `drift` when that is not to be believed,
`reasons` what moved a prediction, `scores` what became of it.
"""
