"""Why the verdict that the carrier answers for is, or is not, that by the handover."""

from streams.domain.promises import Resolved
from streams.domain.suspects import Suspicion
from streams.domain.tracking import Track
from streams.domain.verdicts import Verdict
from streams.explaining.definitions import PROMISED
from streams.explaining.doors import doubted
from streams.wording import Face, plain

EXCLUDED = "an excluded order counts neither for nor against the carrier"


def accounted(
    track: Track,
    promise: Resolved | None,
    verdict: Verdict,
    doubt: Suspicion | None,
    face: Face,
) -> str:
    """Say the accountable outcome and why, beside a raw verdict that was told before."""
    if verdict.outcome is None:
        return "not judged yet"
    why = _why(track, promise, verdict, doubt, face)
    meaning = f"; {EXCLUDED}" if verdict.outcome == "excluded" else ""
    return f"{plain(verdict.outcome)}: {why}{meaning}"


def _why(
    track: Track,
    promise: Resolved | None,
    verdict: Verdict,
    doubt: Suspicion | None,
    face: Face,
) -> str:
    what, _, reason = verdict.rule.partition("; ")
    if what.startswith("first attempt, promise") and promise is not None:
        first = verdict.because[0]
        where = _where(first.at, verdict, promise)
        kind = plain(first.event.kind)
        return f"by the first attempt, {kind} {face.words(first.at)}, which was {where}"
    if what.startswith("the consignee wished"):
        return "after a failed first attempt the consignee wished another time"
    disbelief = (
        "" if doubt is None else f"the first attempt is not believed: {doubted(doubt, face)}"
    )
    if reason.startswith("the first attempt is not believed"):
        return disbelief
    if reason:
        code, _, whose = reason.partition(": ")
        if code == "unknown":
            return f"no reason was given, which counts as {whose}"
        before = f"{what}, and " if what.startswith("held") else ""
        return f"{before}{plain(code)} is {whose}"
    if track.handover not in verdict.because:
        return "as above"
    if disbelief:
        return f"by the handover, since {disbelief}"
    attempt = track.attempts.first
    same = attempt is not None and attempt.by is track.handover
    return "as above, since the handover was the first attempt" if same else "as above"


def _where(at: int, verdict: Verdict, promise: Resolved) -> str:
    """Say where the first attempt lay in relation to the promise."""
    name = f"the promised {PROMISED[promise.precision]}"
    if verdict.outcome == "late":
        return f"after {name}"
    if verdict.outcome == "early" or verdict.early_day:
        return f"before {name}"
    if promise.start is not None and promise.start <= at <= promise.end:
        return f"inside {name}"
    return f"within what is allowed beside {name}"
