"""Signatures of calls as Standard Webhooks has them: made, and judged.

Several secrets may be in force: all of them sign, any of them is believed, so that a key can
be changed without a lost call.
"""

import base64
import binascii
import hmac
from collections.abc import Iterable, Mapping, Sequence

TOLERANCE_SECONDS = 300
_PREFIX = "whsec_"


def secret_bytes(secret: str) -> bytes:
    """Return the key in a secret as Standard Webhooks writes it, else ValueError."""
    try:
        key = base64.b64decode(secret.strip().removeprefix(_PREFIX), validate=True)
    except (binascii.Error, ValueError) as error:
        raise ValueError("a secret should be base64, with or without whsec_") from error
    if not 24 <= len(key) <= 64:  # noqa: PLR2004 (the specification's bounds)
        raise ValueError("a secret should hold 24 to 64 bytes")
    return key


def signed(message_id: str, at: int, body: bytes, secrets: Iterable[bytes]) -> dict[str, str]:
    """Return the three headers of a call sent at `at`, epoch seconds."""
    what = f"{message_id}.{at}.".encode() + body
    signatures = (
        "v1," + base64.b64encode(hmac.digest(each, what, "sha256")).decode() for each in secrets
    )
    return {
        "webhook-id": message_id,
        "webhook-timestamp": str(at),
        "webhook-signature": " ".join(signatures),
    }


def is_signed(
    headers: Mapping[str, str], body: bytes, secrets: Sequence[bytes], now: int
) -> bool:
    """Return whether a call is by one who knows a secret and not older than five minutes."""
    sent, at = headers.get("webhook-signature", ""), headers.get("webhook-timestamp", "")
    if not (at.isascii() and at.isdecimal()) or len(at) > 12:  # noqa: PLR2004 (year 33658)
        return False
    if abs(now - int(at)) > TOLERANCE_SECONDS:
        return False
    due = signed(headers.get("webhook-id", ""), int(at), body, secrets)["webhook-signature"]
    return any(
        hmac.compare_digest(given.encode(), each.encode())
        for given in sent.split()
        for each in due.split()
    )
