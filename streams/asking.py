"""What the orders of one inbox partition ask about couriers, until it is answered.

A row that waits for an answer does later what fell due meanwhile: others may be told the time
only up to there.
"""

from models.base import Millis
from streams import topics
from streams.clocks import send_ticks
from streams.domain.presence import Presence, Question
from streams.domain.row import Row
from streams.domain.suspects import asks
from streams.domain.zones import HOUR_MS
from streams.engine.api import Outputs
from streams.orderrows import OrderRows
from streams.questions import ASKS, encode_question


class Asking:
    """The rows that wait for an answer, and up to when no more questions come.

    Of each row it knows F, the next instant at which something there becomes irreversible.

    After a recovery what waits is asked once more: an answer given before is given again.
    """

    def __init__(self, partition: int, couriers: int) -> None:
        self._partition = partition
        self._couriers = couriers
        self._waiting: dict[bytes, Millis] = {}
        self._again = False
        self._told = 0

    @property
    def unanswered(self) -> int:
        """Return how many rows wait for an answer."""
        return len(self._waiting)

    def done_to(self, clock: Millis) -> Millis:
        """Return up to when all that fell due by a clock is done, and was told.

        What a row does at F is said as of F, also if that is later; what is parked with it was
        received no earlier than the millisecond before.
        """
        return min(clock, min(self._waiting.values(), default=clock + 1) - 1)

    def recovered(self, key: bytes, row: Row) -> None:
        """Note a row that waits since before the recovery."""
        if row.asked:
            self._note(key, row)
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

    def tell(self, clock: Millis, out: Outputs) -> None:
        """Say once an hour of the clock that questions of before will not come any more.

        A row that waits may still have to begin another life, and ask then what it asks.
        """
        if (
            clock // HOUR_MS > self._told
            and (at := self.done_to(clock)) // HOUR_MS > self._told
        ):
            self._told = at // HOUR_MS
            upstream = f"orders/{self._partition}"
            send_ticks(out, topics.COURIER_LOG, self._couriers, upstream, at, caught_up=True)

    def _note(self, key: bytes, row: Row) -> None:
        if row.asked:
            self._waiting[key] = row.settles_at
        else:
            self._waiting.pop(key, None)


def _send(key: bytes, question: Question, out: Outputs) -> None:
    value = encode_question(key.decode(), question)
    out.send(topics.COURIER_LOG, question.courier_id.encode(), value, ASKS)
