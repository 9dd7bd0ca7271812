"""What the orders of one inbox partition ask about couriers, until it is answered."""

from streams import topics
from streams.clocks import send_ticks
from streams.domain.presence import Presence, Question
from streams.domain.row import Row
from streams.domain.suspects import asks
from streams.engine.api import Outputs
from streams.orderrows import OrderRows
from streams.questions import ASKS, encode_question

HOUR_MS = 3_600_000


class Asking:
    """The keys of rows that wait for an answer, and up to when no more questions come.

    After a recovery what waits is asked once more: an answer given before is given again.
    """

    def __init__(self, partition: int, couriers: int) -> None:
        self._partition = partition
        self._couriers = couriers
        self._waiting: set[bytes] = set()
        self._again = False
        self._told = 0

    @property
    def unanswered(self) -> int:
        """Return how many rows wait for an answer."""
        return len(self._waiting)

    def recovered(self, key: bytes, row: Row) -> None:
        """Note a row that waits since before the recovery."""
        if row.asked:
            self._waiting.add(key)
            self._again = True

    def again(self, rows: OrderRows, out: Outputs) -> None:
        """Ask once more what waits since before the recovery."""
        if self._again:
            self._again = False
            for key in sorted(self._waiting):
                for question in rows.get(key).asked:
                    _send(key, question, out)

    def ask(self, key: bytes, row: Row, out: Outputs) -> None:
        """Ask what a row wants to know and has not asked, forget what it need not know."""
        wanted = [] if row.order is None else asks(row.order)
        if not wanted and not row.asked and not row.presence:
            return
        for question in wanted:
            if question not in row.presence and question not in row.asked:
                _send(key, question, out)
        for question in row.presence.keys() - wanted:
            del row.presence[question]  # in place: the order looks at the same answers
        row.asked = tuple(each for each in wanted if each not in row.presence)
        self._note(key, row)

    def answer(
        self, key: bytes, row: Row, question: Question, presence: Presence, *, forgotten: bool
    ) -> bool:
        """Take an answer; return whether the row knows something new."""
        known = row.presence.get(question)
        if question not in row.asked and (known is None or known == presence or forgotten):
            return False
        row.presence[question] = presence
        row.asked = tuple(each for each in row.asked if each != question)
        self._note(key, row)
        return True

    def tell(self, clock: int, out: Outputs) -> None:
        """Say once an hour of the clock that questions of before will not come any more."""
        if clock // HOUR_MS > self._told:
            self._told = clock // HOUR_MS
            upstream = f"orders/{self._partition}"
            send_ticks(out, topics.COURIER_LOG, self._couriers, upstream, clock, caught_up=True)

    def _note(self, key: bytes, row: Row) -> None:
        (self._waiting.add if row.asked else self._waiting.discard)(key)


def _send(key: bytes, question: Question, out: Outputs) -> None:
    value = encode_question(key.decode(), question)
    out.send(topics.COURIER_LOG, question.courier_id.encode(), value, ASKS)
