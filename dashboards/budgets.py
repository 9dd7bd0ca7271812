"""Rules made of the table of objectives: what came due and was missed, and who burns it.

Every objective is recorded under the same names and told apart by the label `slo`; alerts and
boards take the recorded series, so both show the same number. Small carriers have the
recorded series of one carrier more, `slo.SMALL`, which is all of them.
"""

from typing import Any

from dashboards import slo
from dashboards.links import Places

Rule = dict[str, Any]

LEVEL = "carrier_slo"
OBJECTIVE = f"{LEVEL}:tower_objective:ratio"
BUDGET_LEFT = f"{LEVEL}:tower_budget_left:ratio7d"
SAID = 'max by (carrier) (last_over_time(tower_slo_objective_ratio{{slo="{}"}}[1h]))'

OLD_SECONDS = 86_400
"""Events older than this are history being read again: nobody is paged for a recorded year."""

REREADING = "tower:tower_rereading:bool"
"""There while what is counted is not news: a backlog, or a recorded year."""

OF_ONE = f'carrier!~"|{slo.SMALL}"'
"""Chooses the series of single carriers."""


def due(window: str) -> str:
    """Return the recorded series of what came due in a window."""
    return f"{LEVEL}:tower_due:increase{window}"


def missed(window: str) -> str:
    """Return the recorded series of what was missed in a window."""
    return f"{LEVEL}:tower_missed:increase{window}"


def share(window: str) -> str:
    """Return the recorded series of the share that was missed in a window."""
    return f"{LEVEL}:tower_missed:ratio{window}"


def recorded(name: str, expr: str, **labels: str) -> Rule:
    """Return a rule that records a query under a name, with labels if any."""
    return {"record": name, "expr": expr} | ({"labels": labels} if labels else {})


def windows(*chosen: str) -> list[Rule]:
    """Record for some windows what came due, what was missed and the share of that.

    Who never missed has no such counter yet; the share is 0, not unknown.
    """
    rules = []
    for window in chosen:
        for each in slo.SLOS:
            rules.append(recorded(due(window), _in(each.due, window), slo=each.name))
            expr = f"{_in(each.missed, window)} or 0 * {_known(each, window)}"
            rules.append(recorded(missed(window), expr, slo=each.name))
        rules += [_together(due(window)), _together(missed(window))]
        rules.append(recorded(share(window), f"{missed(window)} / ({due(window)} > 0)"))
    return rules


def objectives() -> list[Rule]:
    """Record who is to reach what: the carrier's own objective, else that of the table.

    An hour's memory survives a worker's restart. Small carriers together are to reach what
    they are to reach one by one, weighed by what came due.
    """
    rules = []
    for each in slo.SLOS:
        said = SAID.format(each.name)
        ours = f"{each.objective:g} + 0 * {_known(each, '1h')}"
        rules.append(recorded(OBJECTIVE, f"{said} or {ours}", slo=each.name))
    together = (
        f"sum by (slo) ({OBJECTIVE}{{{OF_ONE}}} * on (carrier, slo) {_small()})"
        f" / sum by (slo) ({_small()} and on (carrier, slo) {OBJECTIVE})"
    )
    return [*rules, recorded(OBJECTIVE, together, carrier=slo.SMALL)]


def left() -> Rule:
    """Record the share of the week's budget that is left, 1 to minus many."""
    return recorded(BUDGET_LEFT, f"1 - {share('7d')} / on (carrier, slo) (1 - {OBJECTIVE})")


def rereading() -> Rule:
    """Record whether what is counted is not news."""
    newest = "max(tower_last_event_timestamp_seconds)"
    old = f"time() - {newest} > {OLD_SECONDS}"
    return recorded(REREADING, f"group(max(tower_replay_in_progress) == 1 or {old})")


def burns(at: Places) -> list[Rule]:
    """Alert when a budget is spent so fast that it will not last the week."""
    return [_burn(each, burn, at) for each in slo.SLOS for burn in each.burns]


def _burn(each: slo.Slo, burn: slo.Burn, at: Places) -> Rule:
    carriers = each.scope == "carrier"
    return {
        "alert": each.alert,
        "expr": _burning(each, burn),
        "for": burn.lasting,
        "labels": {"severity": burn.severity, "scope": each.scope, "window": burn.long},
        "annotations": {
            "summary": f"The weekly budget of {each.name} is spent too fast",
            "description": _said(each, burn),
            "runbook_url": at.runbook(each.alert),
            "dashboard_url": at.board(each.board, of_carrier=carriers),
        },
    }


def _burning(each: slo.Slo, burn: slo.Burn) -> str:
    limit = f"clamp_max({burn.factor:g} * (1 - {OBJECTIVE}), {slo.CEILING})"
    both = "on (carrier, slo)"
    return "\n".join(
        (
            f'{share(burn.long)}{{slo="{each.name}"}} > {both} {limit}',
            f"and {both} {share(burn.short)} > {both} {limit}",
            f"and {both} {due(burn.long)} >= {burn.due_at_least}",
            f"and {both} {missed(burn.long)} >= {burn.missed_at_least}",
            f"unless on () {REREADING}",
            "",
        )
    )


def _said(each: slo.Slo, burn: slo.Burn) -> str:
    """Return the words of an alert: who, how much of how many, against which objective."""
    who = "{{ $labels.carrier }}" if each.scope == "carrier" else "The tower"
    labels = "carrier=%q,slo=%q"
    k, n, goal = (
        f'{{{{ with printf "{series}{{{labels}}}" $labels.carrier $labels.slo | query }}}}'
        f"{{{{ . | first | value | {shown} }}}}{{{{ end }}}}"
        for series, shown in (
            (missed(burn.long), 'printf "%.0f"'),
            (due(burn.long), 'printf "%.0f"'),
            (OBJECTIVE, "humanizePercentage"),
        )
    )
    text = (
        f"{who} {each.said[0]} {{{{ $value | humanizePercentage }}}} of the {each.said[1]}"
        f" in the last {burn.long}: {k} of {n}, where {goal} are to be kept. It goes on in the"
        f" last {burn.short}."
    )
    return text + _worst(each, burn) if each.scope == "carrier" else text


def _worst(each: slo.Slo, burn: slo.Burn) -> str:
    """Return, for small carriers together, which of them missed most."""
    of = f'{{slo="{each.name}",{OF_ONE}}}'
    top = f"topk(3, {missed(burn.long)}{of} > 0 and on (carrier, slo) {_small()})"
    return (
        f'{{{{ if eq $labels.carrier "{slo.SMALL}" }}}} Most of all:'
        f"{{{{ range query `{top}` }}}} {{{{ .Labels.carrier }}}}"
        ' {{ .Value | printf "%.0f" }};{{ end }}{{ end }}'
    )


def _small() -> str:
    """Return what came due in a week, of those too small for a page of their own."""
    gate = slo.PAGES[1]
    return (
        f"({due('7d')}{{{OF_ONE}}} < {slo.SMALL_DUE}"
        f" unless on (carrier, slo) {due(gate.long)} >= {gate.due_at_least})"
    )


def _together(series: str) -> Rule:
    """Record a series once more, summed over the small carriers."""
    expr = f"sum by (slo) ({series}{{{OF_ONE}}} and on (carrier, slo) {_small()})"
    return recorded(series, expr, carrier=slo.SMALL)


def _in(query: str, window: str) -> str:
    return query.replace("[%s]", f"[{window}]")


def _known(each: slo.Slo, window: str) -> str:
    """Return what came due, of one carrier each, without any other label."""
    return f'sum by (carrier) ({due(window)}{{slo="{each.name}",carrier!="{slo.SMALL}"}})'
