"""The rows of many live orders are what the fold would have made of each of them."""

from streams.config import Settings
from tests.bench.live import OVERDUE, folds, name_of, rows_of


def test_a_row_made_from_another_is_what_the_fold_makes():
    orders = (3, OVERDUE - 1, OVERDUE, 123_456_789)
    _, fold = next(folds(Settings(clock="feed")))
    made = rows_of(fold, orders)
    alone = {order: rows_of(fold, [order])[name_of(order)] for order in orders}
    assert {name_of(order): row for order, row in alone.items()}.items() <= made.items()
    assert len(made) == len(orders) + 1
    assert len(set(alone.values())) == len(orders)
