"""History replayed for its predictions and what became of them, to choose thresholds by."""

from models.facts import Fact, PredictionScored
from models.rules import Rules
from streams.domain.forecast.learner import Said
from streams.domain.scoring.said import Foreseen
from streams.domain.tradeoff import Foretold
from streams.replay import Replay


class Tuning(Replay):
    """A replay that knows of each scored prediction what kind of promise it was about.

    Of its outputs only the scores are kept, the newest of each prediction.
    """

    def __init__(self, rules: Rules) -> None:
        self._precisions: dict[str, str] = {}
        self._scored: dict[tuple[str, str, int], PredictionScored] = {}
        super().__init__(rules, keep_outputs=True, predict=True)
        self.out.keep = False
        self.orders.observe = self._heard

    def _predicted(self, order_id: str, said: Said, foreseen: Foreseen) -> None:
        del foreseen
        self._precisions[order_id] = said.view.moment.precision

    def _heard(self, fact: Fact) -> None:
        if fact.kind == "prediction_scored":
            self._scored[fact.order_id, fact.horizon, fact.predicted_at] = fact

    def foretold(self) -> list[Foretold]:
        """Return the predictions that were scored, as their newest facts have it."""
        return [
            Foretold(
                order_id=fact.order_id,
                carrier=fact.carrier,
                precision=self._precisions[fact.order_id],
                at=fact.predicted_at,
                deadline=fact.deadline,
                p=fact.probability,
                late=fact.late,
            )
            for fact in self._scored.values()
            if fact.late is not None and not fact.rescheduled
        ]
