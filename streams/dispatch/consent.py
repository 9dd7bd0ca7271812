"""Whether a customer wants to hear: consent, opt-out by channel, kinds muted, and STOP.

What the customer said last about a channel counts, whatever the shop sends along: a refusal
goes before every other wish. A change is a contact update like any other, so it reaches
messages that wait already.
"""

from datetime import datetime

from models.contacts import ChannelKind, Consent, ContactUpdate

# The words by which a text message ends all others, and by which it lets them come again.
STOPS = frozenset({
    "stop", "stopall", "stop all", "quit", "end", "revoke", "opt out", "optout", "cancel",
    "unsubscribe", "abmelden", "stopp", "dezabonare", "opreste", "إيقاف", "ايقاف", "توقف",
})  # fmt: skip
STARTS = frozenset({"start", "yes", "unstop", "ja", "da", "نعم"})


def allows(contact: ContactUpdate, channel: str) -> bool:
    """Tell whether a customer may be written to over a channel."""
    last = max(
        (each for each in contact.consents or () if each.channel == channel),
        key=lambda each: (each.at, not each.given),
        default=None,
    )
    if last is not None and not last.given:
        return False
    return contact.consent is not False


def answered(
    contact: ContactUpdate, channel: ChannelKind, said: str, at: datetime
) -> ContactUpdate | None:
    """Return a contact after a reply to one of our messages; None if it is no such word."""
    word = " ".join(said.casefold().strip(" .!\"'\n\r\t").split())
    if word in STOPS:
        return noted(contact, channel, given=False, at=at, source=f"reply.{channel}")
    if word in STARTS:
        return noted(contact, channel, given=True, at=at, source=f"reply.{channel}")
    return None


def noted(
    contact: ContactUpdate, channel: ChannelKind, *, given: bool, at: datetime, source: str
) -> ContactUpdate:
    """Return a contact with one more word on a channel, in place of the one before it."""
    kept = (each for each in contact.consents or () if each.channel != channel)
    said = Consent(channel=channel, given=given, at=at, source=source)
    return contact.model_copy(update={"consents": (*kept, said)})
