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
        sla: [{name: slow, metric: transit, target: {hours: 48}}]
        prediction: {bars: [0, 600]}
        notices: {at_most: 2}
    """)
    )
    assert found.defaults.grace_minutes.window == 5
    assert (found.defaults.day_end, found.retention.ended_days) == ("21:00", 60)
    assert found.carriers["nordpost"].timezone == "Europe/Berlin"
    assert found.carriers["nordpost"].early_minutes == 0
    assert found.notices.at_most == 2
    (level,) = found.sla
    assert (level.name, level.metric, level.target.hours) == ("slow", "transit", 48)
    assert (level.starts_with, level.view, level.severity) == (
        "picked_up",
        "accountable",
        "major",
    )


LEVEL = "name: a, metric: handover, target: {hours: 48}"


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        (
            "sla:\n- {metric: handover, target: {hours: 1}}",
            "sla.0.name: must be given (line 2)",
        ),
        ("sla: {}", "sla: must be a list (line 1)"),
        (f"sla:\n- {{{LEVEL}, metrics: 1}}", "sla.0.metrics: there is no rule of this name"),
        (
            "sla:\n- {name: a, metric: speed, target: {hours: 1}}",
            (
                "sla.0.metric: must be 'handover', 'first_attempt', 'transit', 'pickup' or"
                " 'response' (line 2)"
            ),
        ),
        (
            "sla:\n- name: a\n  metric: handover\n  target: {hours: 1, minutes: 1}",
            (
                "sla.0.target: give exactly one of business_days, hours, minutes, window_end"
                " (line 4)"
            ),
        ),
        (
            "sla:\n- {name: a, metric: handover, target: {hours: 1, cut_off: '17:00'}}",
            "sla.0.target: cut_off and day_end belong to business_days (line 2)",
        ),
        (
            "sla:\n- {name: a, metric: handover, target: {business_days: 1}}",
            "sla.0.target: business_days need a calendar (line 2)",
        ),
        (
            "sla:\n- {name: a, metric: handover, target: {business_days: 1, calendar: x}}",
            "sla.0.target.calendar: there is no calendar 'x' (line 2)",
        ),
        (
            (
                "calendars: {x: {}}\nsla:\n"
                "- {name: a, metric: handover, target: {window_end: true, calendar: x}}"
            ),
            "sla.0.target: window_end needs no calendar (line 3)",
        ),
        (
            f"sla:\n- {{{LEVEL}, view: raw, clock_stops: [documents]}}",
            "sla.0: the clock of the raw view never stops: leave out clock_stops (line 2)",
        ),
        (
            f"sla:\n- {{{LEVEL}, clock_stops: [documents, rain]}}",
            "sla.0.clock_stops.1: 'rain' is no reason code that stops a clock (line 2)",
        ),
        (
            f"sla:\n- {{{LEVEL}, clock_stops: [unknown]}}",
            "sla.0.clock_stops.0: 'unknown' is no reason code that stops a clock (line 2)",
        ),
        (
            f"sla:\n- {{{LEVEL}, valid_from: 2026-02-01, valid_until: 2026-01-31}}",
            "sla.0: valid_from must not be after valid_until (line 2)",
        ),
        (
            f"sla:\n- {{{LEVEL}, valid_from: spring}}",
            "sla.0.valid_from: must be a day such as 2026-12-24 (line 2)",
        ),
        (
            "calendars:\n  x:\n    country: XX",
            (
                "calendars.x.country: the public holidays of 'XX' are not known"
                " (ISO 3166-1: DE) (line 3)"
            ),
        ),
        (
            "calendars: {x: {country: PT, subdivision: ZZ}}",
            "calendars.x.subdivision: PT has no 'ZZ', only ",
        ),
        ("calendars: {x: {subdivision: BY}}", "calendars.x: a subdivision needs its country"),
        ("calendars: {x: {timezone: Mars}}", "calendars.x.timezone: 'Mars' is no zone of the"),
        (
            "calendars: {x: {hours: {opens: '18:00', closes: '08:00'}}}",
            "calendars.x.hours: opens must be before closes (line 1)",
        ),
        (
            (
                "calendars: {x: {weekend: [monday, tuesday, wednesday, thursday, friday,"
                " saturday, sunday]}}"
            ),
            "calendars.x: a week without a business day (line 1)",
        ),
        ("calendars: {x: {country: NO}}", "calendars.x.country: must be text (put it in quote"),
    ],
)
def test_mistakes_about_service_levels_are_named_with_their_line(written, text, sentence):
    assert refused(written(text)).startswith(f"are wrong: {sentence}")


OVERLAP = (
    "overlap: both can hold the handover of one order at the same time,"
    " and neither is the more specific"
)


@pytest.mark.parametrize(
    ("one", "other", "together"),
    [
        ("", "", OVERLAP),
        ("carrier: n", "", None),  # the more specific wins
        ("carrier: n", "carrier: m", None),
        ("carrier: n", "service: day", OVERLAP),  # an order of both
        ("carrier: n, service: day", "carrier: n, region: north", OVERLAP),
        ("carrier: n, service: day", "carrier: n, service: night", None),
        ("valid_until: 2026-01-31", "valid_from: 2026-02-01", None),
        ("valid_until: 2026-02-01", "valid_from: 2026-02-01", OVERLAP),
        ("valid_from: 2026-02-01", "valid_until: 2026-02-01", OVERLAP),
    ],
)
def test_rules_that_overlap_are_named_both_with_their_lines(written, one, other, together):
    text = f"sla:\n- {{{LEVEL}, {one}}}\n- {{{LEVEL.replace('a,', 'b,', 1)}, {other}}}"
    if together is None:
        assert len(rules.load(written(text)).sla) == 2
    else:
        assert (
            refused(written(text))
            == f"are wrong: sla: 'a' (line 2) and 'b' (line 3) {together}"
        )


def test_other_metrics_do_not_overlap_and_names_are_one_rules_alone(written):
    both = f"sla:\n- {{name: a, metric: pickup, target: {{hours: 1}}}}\n- {{{LEVEL}}}\n"
    assert refused(written(both)) == (
        "are wrong: sla: 'a' (line 2) and 'a' (line 3) have the same name"
    )
    assert len(rules.load(written(both.replace("a,", "b,", 1))).sla) == 2


def test_where_a_file_says_something(written):
    file = rules.read(
        written(f"schema: 1\n\ncarriers:\n  n:\n    early_minutes: 5\nsla:\n- {{{LEVEL}}}")
    )
    assert file.line("carriers", "n", "early_minutes") == 5
    assert (file.line("sla"), file.line("sla", 0), file.line("sla", 1)) == (6, 7, None)
    assert (file.line(), file.line("defaults"), file.line("schema", "deeper")) == (
        1,
        None,
        None,
    )
    assert rules.read(None).line("defaults") is None


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
        (
            "schema: 1\n---\nschema: 1",
            (
                "are not YAML: expected a single document in the stream, but found another"
                " document (line 2)."
            ),
        ),
        (
            f"sla:\n- {{{LEVEL}, valid_from: 2026-02-30}}",
            "are not YAML: there is no day or instant '2026-02-30' (line 2).",
        ),
        (
            "calendars:\n  x: {extra_days_off: [2026-12-99]}",
            "are not YAML: there is no day or instant '2026-12-99' (line 2).",
        ),
        (
            "\n\ndefaults: {day_end: 2026-01-01 25:00:00}",
            ("are not YAML: there is no day or instant '2026-01-01 25:00:00' (line 3)."),
        ),
        (
            "\na: " + "[" * 3_000,
            "are not YAML: more than 100 lists and tables in each other (line 2).",
        ),
        (
            "defaults:\n  maturity_days: true",
            ("are wrong: defaults.maturity_days: must be a number, not true or false (line 2)"),
        ),
        (
            "notices: {at_most: false}",
            "are wrong: notices.at_most: must be a number, not true or false (line 1)",
        ),
        (
            "defaults: {neighbour_counts: 'no'}",
            "are wrong: defaults.neighbour_counts: must be true or false (line 1)",
        ),
        (
            "carriers:\n  n: {neighbour_counts: 1}",
            "are wrong: carriers.n.neighbour_counts: must be true or false (line 2)",
        ),
        (
            "carriers:\n  n:\n    grace_minutes: {window: 5, date: 0}",
            (
                "are wrong: carriers.n.grace_minutes: a carrier gives all of window, instant,"
                " date, or none (line 3)"
            ),
        ),
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
