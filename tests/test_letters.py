"""A dead letter fits into its topic, whatever the message was."""

import json

from models.letters import DeadLetter, Reason
from streams.letters import KEPT_BYTES, LETTER_BYTES, encoded, letter_headers
from streams.topics import DEAD_LETTERS, TOPICS


def letter(raw, headers=(), detail="no JSON"):
    return DeadLetter(
        reason=Reason.BAD_JSON,
        detail=detail,
        topic="order-events",
        partition=0,
        offset=7,
        received_at=1,
        raw=raw,
        headers=letter_headers(headers),
    )


def test_the_topic_takes_what_we_write():
    [topic] = [each for each in TOPICS if each.name == DEAD_LETTERS]
    assert int(topic.config["max.message.bytes"]) >= LETTER_BYTES + 48 * 1024


def test_the_largest_message_goes_whole():
    raw = bytes(range(256)) * 4_000  # 1,024,000 bytes, nearly what the inbound topics take
    headers = [("origin", b"x" * 20_000), ("nothing", None)]
    written = encoded(letter(raw, headers))
    assert len(written) <= LETTER_BYTES
    read = DeadLetter.model_validate_json(written)
    assert read.raw == raw
    assert read.headers == {"origin": b"x" * 20_000, "nothing": b""}
    assert read.detail == "no JSON"


def test_names_that_grow_six_times_are_left_out():
    # 150,000 names of five control characters: 0.9 MB on the wire, over 4.5 MB as JSON.
    names = ["\x01" * 5 + f"{number}" for number in range(150_000)]
    written = encoded(letter(b"raw", [(name, b"") for name in names]))
    assert len(written) < 1_000
    read = DeadLetter.model_validate_json(written)
    assert read.raw == b"raw"
    assert read.headers == {}
    assert read.detail == "no JSON; 150000 headers left out"


def test_a_message_that_was_compressed_is_cut():
    raw = b"\0" * 30_000_000
    written = encoded(letter(raw, [("a", b"b")], detail="d" * 200))
    assert len(written) <= LETTER_BYTES
    said = json.loads(written)
    assert len(said["detail"]) == 200
    assert said["detail"].endswith(
        f"d; 1 headers left out; the first {KEPT_BYTES} of 30000000 bytes kept"
    )
    assert DeadLetter.model_validate_json(written).raw == raw[:KEPT_BYTES]
