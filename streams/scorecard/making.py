"""From judged orders to a scorecard."""

from collections.abc import Iterable

from streams.lives import Life
from streams.scorecard.folder import Scorecard, content_hash
from streams.scorecard.month import Review, numbers, of_the_month
from streams.scorecard.orders import as_csv, lines
from streams.scorecard.page import page


def scorecard(review: Review, lives: Iterable[Life]) -> Scorecard:
    """Return the scorecard of a month from lives judged as of its `final_at`."""
    members = of_the_month(review, lives)
    found = numbers(review, members) | {"orders": len(members)}
    told = lines(members)
    table = as_csv(told)
    return Scorecard(found, table, page(found, content_hash(found, table.encode()), told))
