"""The learner: labels in, model out; the model is its own checkpoint.

One partition of `training`. A label that was sent twice has a known origin and is learnt once;
the model says of which label it was the last, and a barrier writes it before the partition row
(docs/architecture.md, decisions 4 and 7). Workers read the same rows.
"""

import json
import logging
from collections.abc import Callable, Mapping, Sequence

from models import facts
from models.facts import Fact
from streams import topics
from streams.clocks import Watermarks, parse_origin
from streams.domain.scoring.labels import Ended, decode
from streams.domain.scoring.model import Model
from streams.domain.scoring.state import FormError, packed, unpacked
from streams.engine.api import Beat, Outputs, PartitionFold, Record, Rows
from streams.engine.rows import pack
from streams.facts import encoded
from streams.kept import kept
from streams.modelrows import PLACES, pieces, whole

log = logging.getLogger(__name__)

BARRIER_SECONDS = 10.0  # a model is published that often while there are labels
MOST_LABELS = 500  # orders learnt from, after which it is published sooner

ForecastTurned = kept(facts.ForecastTurned)


class LearnerFold:
    """The model of one namespace; `observe` sees the facts about it."""

    def __init__(self, rules: str, observe: Callable[[Fact], None] | None = None) -> None:
        self._rules = rules
        self._observe = observe
        self._reset()

    def _reset(self) -> None:
        self.model = Model()
        self.marks = Watermarks(())
        self.unsaved = 0  # labels since the model was put
        self._ended = 0
        self._rows: Rows | None = None
        self._learnt = -1  # the offset the model includes
        self._applied = -1
        self._place = PLACES[1]

    def recover(self, meta: bytes | None, rows: Rows, published: Mapping[bytes, bytes]) -> None:
        """Go on from the newest model that is whole."""
        del published
        self._reset()
        self._rows = rows
        if meta is not None:
            self.marks.decode(json.loads(meta))
        found = whole({key: pack(rows.off(key), body) for key, body in rows.items()})
        if found is None:
            return
        self._learnt, body, self._place = found
        try:
            self.model = unpacked(body)
        except FormError:
            log.warning("the model is of another version and is learnt anew")

    def fold(self, records: Sequence[Record], out: Outputs) -> None:
        """Learn from labels, each once."""
        for record in records:
            self._applied = record.offset
            repeated = self.marks.repeats(*parse_origin(dict(record.headers)["origin"]))
            if repeated or record.offset <= self._learnt:
                continue
            label = decode(record.value or b"")
            self.unsaved += 1
            self._ended += isinstance(label, Ended)
            for horizon in self.model.learn(label):
                if isinstance(label, Ended):
                    self._turned(horizon, label, out)

    def beat(self, beat: Beat, out: Outputs) -> None:
        """No label is due by time."""

    def meta(self) -> bytes:
        """Return which labels were here."""
        return json.dumps(self.marks.encode()).encode()

    @property
    def presses(self) -> bool:
        """Whether so much was learnt that workers should have it."""
        return self._ended >= MOST_LABELS

    def publish(self, out: Outputs) -> None:
        """Put the model as of the last label, in the place of the one before the last."""
        del out
        if not self.unsaved or self._rows is None:
            return
        self.unsaved = self._ended = 0
        self._place = PLACES[self._place == PLACES[0]]
        for key, piece in pieces(packed(self.model), self._place).items():
            self._rows.put(key, piece, self._applied)

    def _turned(self, horizon: str, label: Ended, out: Outputs) -> None:
        watch = self.model.watches[horizon]
        fact = ForecastTurned(
            fact_id=f"{label.order_id}/forecast/{horizon}/{self.model.version}",
            order_id=label.order_id,
            carrier=label.carrier,
            at=label.at,
            rules=self._rules,
            horizon=horizon,
            believed=not watch.fallen,
            skill=watch.skill or 0.0,
            model=self.model.version,
        )
        out.send(topics.ORDER_FACTS, label.order_id.encode(), encoded(fact))
        if self._observe is not None:
            self._observe(fact)


def pressing(fold: PartitionFold) -> bool:
    """Tell whether a learner wants a barrier before it is due."""
    return isinstance(fold, LearnerFold) and fold.presses
