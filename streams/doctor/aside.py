"""What does not flow: topics, dead letters, rules, the model, the dispatcher's file."""

from collections.abc import Iterator

from models.base import Millis
from streams.doctor.finding import Finding, blind, count, good, span, wrong
from streams.doctor.seen import Claims, Seen, Unseen

MANY_LETTERS = 10  # in a quarter of an hour
WAIT_MS: Millis = 300_000  # for a notice in the dispatcher's hands
OWED_MS: Millis = 60_000
FREE_BYTES = 2**30

# What to do about a finding of streams/admin.py, by words that are in it.
_REMEDIES = (
    ("does not exist", "Start a worker: it creates the topics that are missing."),
    ("has none of the topics", "Start a worker, or name the right TOWER_NAMESPACE."),
    (
        "(TOWER_PARTITIONS)",
        "Set TOWER_PARTITIONS to the count there is, or use a new namespace.",
    ),
    ("", "Change it by kafka-configs --alter, as docs/operations.md shows under Topics."),
)
# The same for a broker that was not reached, or that did not let us in.
_UNREACHED = (
    ("No Kafka broker answers", "Start the broker, or name the right one (TOWER_BROKERS)."),
    ("speaks HTTP", "Name the broker's own port (TOWER_BROKERS)."),
    ("", "Mend the setting here, and wherever a process of the tower has the same."),
)


def broker(seen: Seen) -> list[Finding]:
    """Judge whether a broker answers, and shows everything it is asked for."""
    if seen.broker is not None:
        first = next(remedy for words, remedy in _UNREACHED if words in seen.broker.why)
        return [wrong(seen.broker.why, first)]
    asked = (seen.topics, seen.looks, seen.letters, seen.unread, seen.model)
    unseen = next((each for each in asked if isinstance(each, Unseen)), None)
    if unseen is None:
        return [good(f"A broker answers at {seen.place.brokers}.")]
    return [
        wrong(
            f"A broker answers at {seen.place.brokers}, but does not show everything:"
            f" {unseen.why}",
            "Ask again; if it stays so, look at the broker's log and at this user's rights.",
        )
    ]


def topics(seen: Seen) -> list[Finding]:
    """Judge what the broker has of the topics."""
    if isinstance(seen.topics, Unseen):
        return [blind(seen.topics)]
    found = [wrong(said, _remedy(said)) for said in seen.topics]
    return found or [good("Every topic is there with its partitions and settings.")]


def _remedy(said: str) -> str:
    return next(remedy for words, remedy in _REMEDIES if words in said)


def letters(seen: Seen) -> list[Finding]:
    """Judge how much was set aside lately."""
    if isinstance(seen.letters, Unseen):
        return [blind(seen.letters)]
    lately = seen.letters
    ordered = sorted(lately.reasons.items(), key=lambda each: (-each[1], each[0]))
    reasons = ", ".join(f"{reason} {number}" for reason, number in ordered)
    said = (
        f"{count(lately.hour, 'message')} set aside in the last hour, {lately.quarter} in the"
        f" last 15 minutes{f' (the newest: {reasons})' if reasons else ''}."
    )
    if lately.quarter <= MANY_LETTERS:
        return [good(said)]
    most = ordered[0][0] if ordered else "unknown_kind"
    return [
        wrong(
            said,
            f"Look at some (tower dead-letters list --reason {most}), mend their sender, then"
            " send them again (tower dead-letters replay).",
        )
    ]


def rules(seen: Seen) -> list[Finding]:
    """Judge whether the workers judge by the rules of the file here."""
    if isinstance(seen.rules, Unseen):
        return [wrong(seen.rules.why, "Mend the file; tower check names every mistake.")]
    if isinstance(seen.looks, Unseen):
        return [blind(seen.looks)]
    used = sorted(seen.looks.second.rules)
    if not used:
        return [good(f"No worker has said yet which rules it uses; here are {seen.rules}.")]
    if used == [seen.rules]:
        return [good(f"The workers judge by the rules here, {seen.rules}.")]
    return [
        wrong(
            f"The workers judge by the rules {' and '.join(used)}, here are {seen.rules}.",
            "Restart the workers with the file that is meant (TOWER_RULES), or name theirs"
            " with --rules.",
        )
    ]


def model(seen: Seen) -> list[Finding]:
    """Judge the age of the model that predicts; before anything was learnt there is none."""
    if isinstance(seen.model, Unseen):
        return [blind(seen.model)]
    if seen.model is None:
        return [good("No model is in use: delays are predicted from ETAs and silence alone.")]
    if seen.model:
        return [good("The model is of the last 24 hours.")]
    return [
        wrong(
            "The topic of the model holds none of the last 24 hours.",
            "Look at the log of the process that learns.",
        )
    ]


def claims(seen: Seen) -> list[Finding]:
    """Judge what the dispatcher's file says of notices in its hands, if it is here."""
    if isinstance(seen.claims, Unseen):
        return [Finding("unseen", seen.claims.why)]
    file = seen.claims
    oldest = "" if file.oldest is None else f", the oldest for {span(seen.at - file.oldest)}"
    return list(_wrong_claims(seen.at, file)) or [
        good(f"{count(file.waiting, 'notice')} in the dispatcher's hands{oldest}.")
    ]


def _wrong_claims(now: Millis, file: Claims) -> Iterator[Finding]:
    if file.oldest is not None and now - file.oldest > WAIT_MS:
        yield wrong(
            f"Waiting in {file.file} to be sent: {count(file.waiting, 'notice')}, the oldest"
            f" for {span(now - file.oldest)}.",
            "Look at tower_notifications_retried_total and the dispatcher's log: the mail"
            " server may refuse or be away.",
        )
    if file.expired:
        yield wrong(
            f"{count(file.expired, 'notice')} in {file.file} expired by the tower's clock"
            " without an answer.",
            "See that a dispatcher runs with this file: it settles them as expired.",
        )
    if file.owed_since is not None and now - file.owed_since > OWED_MS:
        yield wrong(
            f"Orders wait for {count(file.owed, 'receipt')} of their notices, the first for"
            f" {span(now - file.owed_since)}.",
            "See that a dispatcher runs with this file: it owes them receipts.",
        )


def disk(seen: Seen) -> list[Finding]:
    """Judge the room that the dispatcher's file has to grow."""
    if isinstance(seen.claims, Unseen):
        return [Finding("unseen", seen.claims.why)]
    free = f"{seen.claims.free / 2**30:,.1f} GiB"
    if seen.claims.free >= FREE_BYTES:
        return [good(f"{free} are free where {seen.claims.file} is.")]
    return [
        wrong(
            f"Only {free} are free where {seen.claims.file} is.",
            "Make room: a full disk ends the dispatcher.",
        )
    ]
