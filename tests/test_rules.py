"""The rules file: read, or refused in one sentence that names the place; its id its content."""

import pytest

from models.rules import Rules
from streams import rules
from streams.domain.judgement import rules_id
from streams.errors import TowerError


@pytest.fixture
def written(tmp_path):
    """A function that writes a rules file and returns its path."""

    def write(text):
        path = tmp_path / "rules.yaml"
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return path

    return write


def refused(path):
    with pytest.raises(TowerError) as error:
        rules.load(path)
    (sentence,) = error.value.args
    assert "\n" not in sentence
    assert sentence.startswith(f"The rules {path} ")
    return sentence.removeprefix(f"The rules {path} ")


def test_without_a_file_the_shipped_rules_hold():
    assert rules.load(None) == Rules()
    tolerances = Rules().defaults
    assert dict(tolerances.grace_minutes) == {"window": 0, "instant": 15, "date": 0}
    assert (tolerances.early_minutes, tolerances.day_end) == (15, "24:00")
    assert (tolerances.maturity_days, tolerances.neighbour_counts) == (7, False)
    assert dict(Rules().retention) == {"ended_days": 30, "silent_days": 90, "stub_days": 365}
    notices = Rules().notices
    assert (notices.enter_minutes, notices.leave_minutes, notices.hold_minutes) == (15, 5, 10)
    assert (notices.cooldown_minutes, notices.worse_minutes, notices.at_most) == (30, 15, 3)
    assert (notices.silent_before_minutes, notices.silent_date_at) == (60, "12:00")


def test_a_whole_file(written):
    found = rules.load(
        written("""
        schema: 1
        defaults: {grace_minutes: {window: 5}, day_end: "21:00"}
        retention: {ended_days: 60}
        carriers:
          nordpost: {early_minutes: 0, timezone: Europe/Berlin, objectives: {on_time: 0.95}}
        sla: [{metric: transit}]
        prediction: {bars: [0, 600]}
        notices: {at_most: 2}
    """)
    )
    assert found.defaults.grace_minutes.window == 5
    assert (found.defaults.day_end, found.retention.ended_days) == ("21:00", 60)
    assert found.carriers["nordpost"].timezone == "Europe/Berlin"
    assert found.carriers["nordpost"].early_minutes == 0
    assert found.notices.at_most == 2
    assert found.sla == ({"metric": "transit"},)


@pytest.mark.parametrize("text", ["", "# nothing yet\n", "{}", "---\n"])
def test_a_file_that_says_nothing_changes_nothing(written, text):
    assert rules.load(written(text)) == Rules()


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("defaults: {early: 5}", "are wrong: defaults.early: there is no rule of this name"),
        ("schema: 2", "are wrong: schema: must be 1"),
        (
            "defaults: {early_minutes: -1}",
            "are wrong: defaults.early_minutes: must be at least 0",
        ),
        (
            "defaults: {maturity_days: 1e308}",
            "are wrong: defaults.maturity_days: must be at most",
        ),
        (
            "notices: {expire_minutes: 0}",
            "are wrong: notices.expire_minutes: must be more than 0",
        ),
        (
            "defaults: {maturity_days: .nan}",
            "are wrong: defaults.maturity_days: must be a number",
        ),
        ("defaults: {day_end: '24:30'}", "are wrong: defaults.day_end: must be HH:MM"),
        ("defaults: {day_end: '9:00'}", "are wrong: defaults.day_end: must be HH:MM"),
        ("defaults: {day_end: 21:00}", "are wrong: defaults.day_end: must be text (put it"),
        (
            "retention: {stub_days: 0}",
            "are wrong: retention.stub_days: must be more than 0",
        ),
        (
            "carriers: {n: {timezone: Mars}}",
            "are wrong: carriers.n.timezone: 'Mars' is no zone",
        ),
        (
            "carriers: {n: {objectives: {on_time: 95}}}",
            "are wrong: carriers.n.objectives.on_time",
        ),
        (
            "carriers: {n: {objectives: {ontime: 0.9}}}",
            "are wrong: carriers.n.objectives.ontime: there is no such objective, only",
        ),
        (
            "defaults: {early_minutes: 5, early_minutes: 6}",
            "are not YAML: the key 'early_minutes' is written twice",
        ),
        ("[1, 2]", "are not a mapping of names to rules."),
        ("just words", "are not a mapping of names to rules."),
        ("a: [", "are not YAML: "),
        (b"\xff\xfe\x00", "are not YAML: "),
        ("!!python/object/apply:os.getcwd []", "are not YAML: "),
    ],
)
def test_mistakes_are_named_by_their_place(written, text, sentence):
    assert refused(written(text)).startswith(sentence)


def test_every_mistake_is_named(written):
    found = refused(written("defaults: {early: 5}\nnotices: {at_most: -1}"))
    assert "defaults.early: " in found
    assert "notices.at_most: " in found


def test_a_file_that_is_not_there(tmp_path):
    assert refused(tmp_path / "none.yaml") == "could not be read: No such file or directory."
    assert refused(tmp_path) == "could not be read: Is a directory."


def test_the_same_rules_have_the_same_id_however_they_are_written(written):
    one = rules.load(written("defaults: {early_minutes: 10.0}\ncarriers: {a: {}, b: {}}"))
    other = rules.load(
        written(
            "carriers: {b: {day_end: null}, a: {}}\n"
            "defaults:\n  early_minutes: 10\n  day_end: '24:00'"
        )
    )
    assert rules_id(one) == rules_id(other)
    assert rules_id(one) != rules_id(Rules())


def test_the_id_of_the_shipped_rules_changes_only_with_them():
    """Reports of last year name their rules by this id: a change here is a change of rules."""
    assert rules_id(Rules()) == "f71477e15861"


def test_rules_are_not_changed_in_place():
    with pytest.raises(ValueError, match="frozen"):
        Rules().defaults.early_minutes = 1
