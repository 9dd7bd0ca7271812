"""What people say of a delivery: questions while waiting, feedback, disputes, interventions."""

from random import Random

from streams.simulate.book import Book
from streams.simulate.parcel import DAY, HOUR, MINUTE, Json, Parcel
from streams.simulate.promises import deadline
from streams.simulate.truth import outcome

ANSWERS = 0.14
"""Share of customers with a parcel who answer; of those with a late one, twice as many."""
GRUDGE = {"on_time": 0.0, "early": 0.3, "late": 1.6, "failed": 1.9, "excluded": 0.2}
"""Points of five that a customer takes off, by what became of the delivery."""


def afterwards(parcel: Parcel, book: Book, days: int, rng: Random) -> None:
    """Note what the customer and the office say of one parcel."""
    verdict = outcome(parcel)
    _ask(parcel, verdict, book, rng)
    if parcel.handover is not None or verdict == "failed":
        _answer(parcel, verdict, book, days, rng)
    if verdict == "late" and parcel.effective is not None:
        end = deadline(parcel, parcel.effective)
        if rng.random() < 0.03:  # noqa: PLR2004
            action = rng.choice(("rerouted", "called", "expedited", "other"))
            at = (parcel.warned_at or end) + 4 * MINUTE
            book.note(parcel, "intervention_made", at, "office", action=action, by="dispatch")
        if rng.random() < 0.02:  # noqa: PLR2004
            decided = rng.choice(("on_time", "excluded", "late"))
            at = end + DAY + rng.randint(0, 5) * HOUR
            told: Json = {"verdict": decided, "by": "claims desk", "reason": "seen the photo"}
            book.note(parcel, "verdict_decided", at, "office", **told)


def _ask(parcel: Parcel, verdict: str, book: Book, rng: Random) -> None:
    """Customers ask where the parcel is, the more so when it is late and nobody said so."""
    made = parcel.effective
    if made is None:
        return
    chance = 0.01
    if verdict in {"late", "failed"} and made.precision != "date":
        chance = 0.06 if parcel.warned_at is not None else 0.22
    if rng.random() >= chance:
        return
    latest = min(parcel.handover or made.end + 3 * HOUR, made.end + 3 * HOUR)
    at = max(parcel.promised_at + HOUR, rng.randint(min(made.end, latest) - 1_200, latest))
    topic = "where_is_my_order" if rng.random() < 0.85 else "other"  # noqa: PLR2004
    book.note(parcel, "customer_asked", at, "support.desk", topic=topic)


def _answer(parcel: Parcel, verdict: str, book: Book, days: int, rng: Random) -> None:
    unhappy = verdict in {"late", "failed"}
    if rng.random() >= ANSWERS * (2 if unhappy else 1):
        return
    ended = parcel.handover or parcel.failed_at or 0
    at = ended + 30 * MINUTE + int(min(1 / 24, rng.random()) * DAY * rng.random() * 20)
    if days > 1 and rng.random() < 0.05:  # noqa: PLR2004 - long after the row has ended
        at = ended + rng.randint(40, 60) * DAY
    book.note(parcel, "feedback_given", at, "tower.page", **_scores(parcel, verdict, rng))


def _scores(parcel: Parcel, verdict: str, rng: Random) -> Json:
    """Return the answers; late customers and those of rough carriers like it less."""
    mood = 4.7 - GRUDGE[verdict] - 4 * parcel.carrier.fails + rng.gauss(0, 0.8)
    courier = mood + 0.4 * GRUDGE[verdict]
    answers: Json = {}
    for name, level, share in (
        ("csat", mood, 0.9),
        ("courier_communication", courier - 0.2, 0.5),
        ("courier_professionalism", courier, 0.5),
        ("parcel_care", courier + 0.1, 0.5),
    ):
        if rng.random() < share:
            answers[name] = min(5, max(1, round(level + rng.gauss(0, 0.4))))
    if rng.random() < 0.7:  # noqa: PLR2004
        answers["nps"] = min(10, max(0, round(2.3 * mood - 1)))
    if rng.random() < 0.5:  # noqa: PLR2004
        answers["ces"] = min(7, max(1, round(1.5 * mood - 0.5)))
    if not answers or rng.random() < 0.1:  # noqa: PLR2004
        answers["comment"] = (
            "Where was it all day?" if verdict == "late" else "Fine, thank you."
        )
    if rng.random() < 0.2:  # noqa: PLR2004
        answers["about"] = rng.choice(("delivery", "courier", "item", "price"))
    return answers
