"""History replayed for its predictions and what became of them, to choose thresholds by."""

import json
from collections.abc import Iterator
from typing import Any

from models.rules import Rules
from streams import topics
from streams.domain.forecast.learner import Said
from streams.domain.scoring.said import Foreseen
from streams.domain.tradeoff import Foretold
from streams.replay import Replay


class Tuning(Replay):
    """A replay that knows of each scored prediction what kind of promise it was about."""

    def __init__(self, rules: Rules) -> None:
        self._precisions: dict[str, str] = {}
        super().__init__(rules, keep_outputs=True, predict=True)

    def _predicted(self, order_id: str, said: Said, foreseen: Foreseen) -> None:
        self._precisions[order_id] = said.view.moment.precision
        super()._predicted(order_id, said, foreseen)

    def foretold(self) -> list[Foretold]:
        """Return the predictions that were scored, as their newest facts have it."""
        facts: dict[tuple[str, str, int], Foretold | None] = {}
        for fact in self._scored():
            key = fact["order_id"], fact["horizon"], fact["predicted_at"]
            scored = fact["late"] is not None and not fact["rescheduled"]
            facts[key] = None
            if scored:
                facts[key] = Foretold(
                    order_id=fact["order_id"],
                    carrier=fact["carrier"],
                    precision=self._precisions[fact["order_id"]],
                    at=fact["predicted_at"],
                    deadline=fact["deadline"],
                    p=fact["probability"],
                    late=fact["late"],
                )
        return [each for each in facts.values() if each is not None]

    def _scored(self) -> Iterator[dict[str, Any]]:
        for topic, _, value in self.out.messages:
            if (
                topic == topics.ORDER_FACTS
                and value is not None
                and b'"prediction_scored"' in value
            ):
                yield json.loads(value)
