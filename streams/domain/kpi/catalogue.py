"""Every number of the report: where it stands, what it means, how it is computed, and where.

The table of docs/kpis.md is written from this one, and a test holds it against the report: a
number without a definition, or a definition without a number, fails.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from streams.domain.eta import HORIZONS, PREDICTED, SNAPSHOTS
from streams.domain.kpi.eta_quality import BUCKETS
from streams.domain.loyalty import EXPERIENCES
from streams.domain.scoring.horizons import HORIZONS as PREDICTED_AT

KPI = "KPI"  # `total`, `returns`, and each of `carriers`, `by.service` and `by.region`

_SCORED = PREDICTED_AT

# What stands for several names in a path, as an expression; any other name in angle brackets
# is one name that the report finds.
PLACES = {
    "<snapshot>": "|".join((*SNAPSHOTS, *PREDICTED)),
    "<horizon>": "|".join((*HORIZONS, *PREDICTED)),
    "<scored>": "|".join((*_SCORED, *(rf"{each}\.with_intervened" for each in _SCORED))),
    "<ranged>": "|".join(("ofd", *HORIZONS)),
    "<due>": "on_time|early|late|failed",
    "<bucket>": "|".join(bucket.name for bucket in BUCKETS),
    "<view>": r"restated|restated\.accountable",
    "<experience>": "|".join(EXPERIENCES),
    "<instrument>": "csat|nps|ces|courier_communication|courier_professionalism|parcel_care",
    "<aspect>": "courier_communication|courier_professionalism|parcel_care",
}


@dataclass(frozen=True, slots=True)
class Number:
    """One number, or one ratio with its interval; `metric` is its series in Prometheus."""

    path: str
    meaning: str
    formula: str
    file: str
    metric: str = ""


@dataclass(frozen=True, slots=True)
class Section:
    """Numbers that stand together; their paths begin with its own."""

    path: str
    file: str
    numbers: tuple[tuple[str, ...], ...]  # path, meaning, formula, metric


def share(kpi: str) -> str:
    """Return the pair of series of a headline."""
    return f'tower_kpi_*{{kpi="{kpi}"}}'


_OUTCOMES = tuple(
    (outcome, meaning, "orders with this outcome")
    for outcome, meaning in (
        ("on_time", "handed over inside the promise"),
        ("early", "handed over before it"),
        ("late", "handed over after it, or not at all when it had passed"),
        ("failed", "returned, lost, damaged, refused, unclaimed, or called off by the carrier"),
        ("indeterminate", "the zone of the scan was assumed, and its readings fall apart"),
        ("excluded", "no promise, or cancelled in time"),
    )
)
_ACCOUNTABLE = tuple(
    (outcome, meaning, "orders with this outcome")
    for outcome, meaning in (
        ("on_time", "first tried, or handed over, inside the promise"),
        ("early", "first tried, or handed over, before it"),
        ("late", "after it, or not at all when it had passed"),
        ("failed", "as in the raw view, for a reason of the carrier's"),
        ("indeterminate", "as in the raw view, where the handover counts"),
        ("excluded", "as in the raw view, or others caused it"),
    )
)
_DUE = ("due", "orders that came due", "on_time + early + late + failed")
_SERIES = (
    ("eta_deviation", "an ETA from outside"),
    ("eta_deviation_by.tower", "an ETA of the tower's own"),
)
_EARLY_DAYS = ("early_days", "a promised day beaten by a day or more", "orders on time")

SECTIONS = (
    Section("", "streams/domain/report.py", (
        ("schema", "version of the report's form", "1"),
        ("as_of", "the clock of the report", "running tower: the least of all partitions"),
        ("rules", "the rule set it was judged by", "12 hex digits of the rules' SHA-256"),
    )),
    Section("events", "streams/domain/kpi/events.py", (
        ("read", "messages read", "accepted + duplicate + sum(rejected)",
         "tower_events_consumed_total"),
        ("accepted", "events that became part of an order or a courier", "counted once"),
        ("duplicate", "further copies of an event", "copies by order, source, event_id",
         "tower_events_duplicate_total"),
        ("id_conflict", "copies that say something else", "of duplicate"),
        ("unknown_fields", "accepted events with fields that nobody knows", "top level"),
        ("rejected.<reason>", "messages refused", "by the first reason that is true",
         "tower_events_rejected_total"),
    )),
    Section(KPI, "streams/domain/kpi/life.py", (
        ("orders", "orders", "ids with a life event"),
        ("open", "orders on their way", "no handover, not failed, not cancelled",
         "tower_orders_active"),
        ("overdue", "of these past their promise", "open, clock >= first late millisecond",
         "tower_orders_overdue"),
        ("forgotten", "announced and never touched", "open, no scan 24 h after order_promised"),
        ("ended_silent", "orders nobody spoke of again", "open when their row ended"),
    )),
    Section(f"{KPI}.delivery_time", "streams/domain/kpi/delivery_time.py", (
        _DUE,
        *((*each, "tower_deliveries_total") for each in _OUTCOMES),
        _EARLY_DAYS,
        ("accuracy", "on-time accuracy", "on_time / due", share("on_time")),
        ("otd", "on time or early", "(on_time + early) / due", share("otd")),
        ("delivered_then_changed", "a handover was void later", "due orders, all evidence"),
        ("revisions", "outcomes that changed as events came", "changes, until the freeze"),
    )),
    Section(f"{KPI}.delivery_time.accountable", "streams/domain/accountable.py", (
        _DUE,
        *_ACCOUNTABLE,
        _EARLY_DAYS,
        ("accuracy", "accuracy the carrier answers for", "on_time / due",
         share("on_time_accountable")),
        ("otd", "on time or early", "(on_time + early) / due"),
    )),
    Section(f"{KPI}.delivery_time.<view>", "streams/domain/kpi/delivery_time.py", (
        _DUE,
        *_OUTCOMES,
        _EARLY_DAYS,
        ("accuracy", "the same by all evidence", "on_time / due"),
        ("otd", "the same by all evidence", "(on_time + early) / due"),
    )),
    Section(f"{KPI}.first_attempt", "streams/domain/kpi/first_attempt.py", (
        ("concluded", "first attempts with an outcome", "orders"),
        ("succeeded", "of these handed over", "orders", "tower_delivery_attempts_total"),
        ("implicit_failures", "failures that nobody reported", "orders"),
        ("suspect", "failures that are not believed", "orders"),
        ("no_attempt_return", "ways out that never reached a door", "legs"),
        ("success", "first-attempt success", "succeeded / concluded", share("first_attempt")),
        ("reasons.<reason>", "why first attempts failed",
         "orders; the sum is concluded - succeeded", "tower_delivery_attempts_total"),
        ("accountable.concluded", "without those that others caused", "orders"),
        ("accountable.succeeded", "of these handed over", "orders"),
        ("accountable.success", "success the carrier answers for", "succeeded / concluded",
         share("first_attempt_accountable")),
    )),
    Section(f"{KPI}.first_attempt", "streams/domain/kpi/attempt_companions.py", (
        ("attempts_per_delivery.n", "orders handed over", "orders"),
        ("attempts_per_delivery.mean", "attempts it took", "their attempts / n"),
        ("second_success", "second-attempt success", "handed over / second ones concluded"),
        ("first_attempt_to_delivery.n", "handed over at a later attempt", "orders"),
        *((f"first_attempt_to_delivery.{name}", "time from the first attempt, seconds", formula)
          for name, formula in (("mean", "sum / n"), ("median", "quantile 0.5"),
                                ("p90", "quantile 0.9"))),
        ("failures.<party>.<reason>", "why attempts failed, by who is at fault",
         "failed attempts, the first and the later ones"),
    )),
    *(
        Section(f"{KPI}.{section}.<snapshot>", "streams/domain/kpi/eta_deviation.py", (
            ("n", f"handovers with {whose} at this moment", "orders"),
            ("coverage", "how many had one", "n / orders handed over"),
            ("median", "handover minus ETA, seconds, positive is late", "quantile 0.5"),
            ("mean", "the same", "sum / n"),
            ("mae", "its distance, seconds", "sum of absolute values / n"),
            ("p50_abs", "distance of one in two at most, seconds", "quantile 0.5 of |d|"),
            ("p80_abs", "distance of four in five at most, seconds", "quantile 0.8 of |d|"),
            ("p90_abs", "distance of nine in ten at most, seconds", "quantile 0.9 of |d|"),
            ("p95_abs", "distance of 19 in 20 at most, seconds", "quantile 0.95 of |d|"),
            *((f"within_{minutes}min", f"ETAs within {minutes} minutes",
               f"|d| <= {60 * minutes} s / n",
               *((share(f"eta_within_{minutes}min"),)
                 if section == "eta_deviation" and minutes in {10, 15} else ()))
              for minutes in (5, 10, 15, 30)),
            ("earlier_than_15min", "sooner than said", "d < -900 s / n"),
            ("later_than_15min", "later than said", "d > 900 s / n"),
        ))
        for section, whose in _SERIES
    ),
    *(
        Section(f"{KPI}.{section}", "streams/domain/kpi/eta_deviation.py", (
            ("<horizon>.stale", f"{whose} said more than 15 min before", "orders of n"),
            ("<ranged>.range.n", f"{whose} that was a range", "with eta_low and eta_high"),
            ("<ranged>.range.coverage", "handovers inside", "low <= handover <= high / n"),
            ("<ranged>.range.width", "width, seconds", "sum of high - low / n"),
            ("<ranged>.range.pinball", "loss as P10 and P90, seconds", "sum of losses / n"),
        ))
        for section, whose in _SERIES
    ),
    Section(f"{KPI}.eta_quality", "streams/domain/kpi/eta_quality.py", (
        ("n", "handovers with an ETA from outside", "orders"),
        ("censored", "an attempt failed after an ETA, no handover", "orders"),
        ("score", "good ETAs, near ones held to more", "mean of buckets that have any"),
        ("buckets.<bucket>", "good ETAs by time to the handover", "good / ETAs said then"),
        ("churn", "how much ETAs wander", "sum of changes / sum of |last - first|"),
        ("jumps_per_delivery", "changes above 10 min once out for delivery", "changes / n"),
    )),
    Section(f"{KPI}.promise", "streams/domain/kpi/life.py", (
        ("coverage", "orders that were promised a time", "with an original promise / orders"),
        ("changed_by_carrier", "promises the carrier moved", "promise_changed events"),
        ("slack_median", "how far promises moved, seconds", "quantile 0.5, latest - original"),
        ("slack_p90", "the same of nine in ten at most", "quantile 0.9"),
    )),
    Section(f"{KPI}.predictions.<scored>", "streams/domain/kpi/predictions.py", (
        ("n", "predictions scored, one an order", "open then, due and not excluded now"),
        ("late", "of these late", "late or failed, frozen"),
        ("rescheduled", "left out: the promise was changed since", "orders"),
        ("threshold", "P(late) from which on it was an alert", "mean of those in force"),
        ("brier", "mean squared error of P(late)", "sum of (p - y)^2 / n"),
        ("brier_reference", "the same of the late share by then", "sum of (q - y)^2 / n"),
        ("skill", "how much better", "1 - brier / brier_reference"),
        ("precision", "alerts that came true", "late alerts / alerts",
         "tower_delay_prediction_outcomes_total"),
        ("recall", "late orders that were alerts", "late alerts / late",
         "tower_delay_prediction_outcomes_total"),
        ("recall_30min", "late orders alerted 30 min before", "lead >= 30 min / late"),
        ("false_alerts", "alerts that did not come true", "alerts not late / alerts"),
        ("alerts_per_1000", "alerts of a thousand predictions", "1,000 x alerts / n"),
        ("auc", "late ones ranked above others", "1,000 bins of p, ties half"),
        ("average_precision", "precision at every late one", "1,000 bins of p"),
        *((f"lead_{name}", "first alert to deadline, seconds", f"quantile {q}, late alerts",
           "tower_delay_prediction_lead_seconds")
          for name, q in (("p10", 0.1), ("median", 0.5), ("p90", 0.9))),
        ("interval_coverage", "handovers inside P10 to P90", "inside / handed over"),
        ("interval_width", "width of that, seconds", "sum of P90 - P10 / handed over"),
        ("calibration", "p said and seen, by tenths", "1,000 bins of p",
         "tower_delay_prediction_calibration_total"),
        ("calibration_error", "how far apart these are", "mean of |observed - p|"),
    )),
    Section(f"{KPI}.sla", "streams/domain/kpi/sla.py", (
        ("in_scope", "service levels whose clock has started", "orders x rules in force"),
        ("due", "of these, past their last good moment", "deadline < clock, stops added"),
        ("breached", "not done by then, by all evidence", "done after it, or not at all",
         "tower_sla_breaches_total"),
        ("at_risk", "still running, and in danger", "under 20 % left, or the ETA too late"),
        ("reversed", "breaches told that later evidence cleared", "told, and none now",
         "tower_sla_breach_reversed_total"),
        ("breach_rate", "share of service levels broken", "breached / due"),
    )),
    Section(f"{KPI}.notices", "streams/domain/kpi/notices.py", (
        ("requested", "notices asked for", "sent + failed + waiting + sum(suppressed)",
         "tower_notifications_requested_total"),
        ("sent", "accepted by a provider", "by the last receipt",
         "tower_notifications_sent_total"),
        ("suppressed.<reason>", "withheld", "by the last receipt",
         "tower_notifications_suppressed_total"),
        ("failed", "given up", "by the last receipt", "tower_notifications_failed_total"),
        ("waiting", "nothing heard back yet", "no receipt", "tower_notifications_waiting"),
        ("duplicates", "sent twice under one id", "0: an id is sent once"),
        ("asked_before", "asked in the day before the first notice", "orders"),
        ("response", "invited customers who answered", "answered / invited"),
    )),
    Section(f"{KPI}.questions", "streams/domain/kpi/questions.py", (
        ("orders", "customers who asked where it was", "orders"),
        ("questions", "how often they did", "customer_asked events"),
        ("per_1000", "the same of a thousand orders", "1,000 x orders that asked / orders"),
    )),
    Section(f"{KPI}.feedback", "streams/domain/kpi/feedback.py", (
        ("invited", "customers who were asked for an answer", "notices sent, one an order"),
        ("answered", "orders with an answer", "to any instrument"),
        ("<instrument>.n", "answers", "the last of each order"),
        *((f"intervals.<instrument>.{end}", f"interval of the mean or score, {end} end",
           "normal, 95 %, of two answers and more") for end in ("low", "high")),
        ("csat.mean", "satisfaction, 1 to 5", "sum / n", "tower_feedback_csat_score"),
        ("csat.top2", "satisfied", "fours and fives / n", share("csat")),
        ("csat_weighted.mean", "satisfaction had all outcomes answered alike",
         "means by outcome, weighted by orders due"),
        ("csat_weighted.top2", "satisfied, likewise", "shares by outcome, weighted alike"),
        ("nps.score", "would recommend, points", "100 x (9, 10 - 0 to 6) / n",
         "tower_feedback_nps_responses_total"),
        ("ces.mean", "ease, 1 to 7", "sum / n", "tower_feedback_ces_score"),
        ("ces.top3", "found it easy", "fives to sevens / n"),
        ("<aspect>.mean", "marks of the courier, 1 to 5", "sum / n",
         "tower_feedback_courier_score"),
    )),
    Section(f"{KPI}.feedback.by_outcome.<due>", "streams/domain/kpi/feedback.py", (
        ("answered", "who answered, by the outcome of the order", "orders / orders due"),
        ("csat.n", "answers", "orders"),
        ("csat.mean", "satisfaction, 1 to 5", "sum / n"),
        ("csat.top2", "satisfied", "fours and fives / n"),
    )),
    Section("data_quality.<carrier>", "streams/domain/kpi/quality.py", (
        ("orders", "orders that have ended", "orders"),
        ("events", "their events", "accepted, withdrawn ones too"),
        ("out_of_order", "received after a later one", "by the order of a life / events"),
        ("skewed", "ahead of their receipt", "occurred_at > received_at + 2 min / events"),
        ("tz_assumed", "with a zone assumed", "time_quality other than offset / events"),
        ("unmapped_reasons", "reasons that are no code", "of the reasons given"),
        ("indeterminate", "orders nobody can judge", "indeterminate / (due + indeterminate)"),
        ("scan_lag.n", "events that touch a parcel", "events"),
        ("scan_lag.median", "receipt minus event time, seconds", "quantile 0.5"),
        ("scan_lag.p95", "the same of 19 in 20 at most", "quantile 0.95"),
    )),
    Section("couriers.<carrier>", "streams/domain/kpi/couriers.py", (
        ("answers", "orders whose courier got a mark", "orders"),
        ("mean", "marks of all couriers, 1 to 5", "sum of orders' means / answers"),
        ("hidden", "couriers with fewer than five answers", "couriers"),
        ("ranking", "the others, the best first", "by (sum + 20 x mean) / (n + 20)"),
    )),
    Section("groups", "streams/domain/kpi/groups.py", (
        ("n", "orders of several parcels that are due", "every parcel has its verdict"),
        ("otif", "of these on time and in full",
         "all parcels on_time and undamaged, excluded ones left out / n"),
    )),
    Section("loyalty", "streams/domain/kpi/loyalty.py", (
        ("<experience>.customers", "customers whose order ended like that",
         "the first such order of each"),
        ("<experience>.repeat_30d", "who ordered again within 30 days",
         "next order promised in (end, end + 30 days] / observed that long"),
        ("<experience>.repeat_90d", "who ordered again within 90 days",
         "next order promised in (end, end + 90 days] / observed that long"),
        ("<experience>.order_value.<currency>.n", "repeats within 90 days whose value is known",
         "both orders have a value in this currency"),
        ("<experience>.order_value.<currency>.before", "mean value of the order", "sum / n"),
        ("<experience>.order_value.<currency>.after", "mean value of the next order",
         "sum / n"),
    )),
)  # fmt: skip


def numbers() -> Iterator[Number]:
    """Yield every number, with the whole of its path."""
    for section in SECTIONS:
        for own, meaning, formula, *metric in section.numbers:
            path = f"{section.path}.{own}".removeprefix(".")
            yield Number(path, meaning, formula, section.file, *metric)
