"""The kinds of order events in the order of a life (kpis 2.12 L8), and what each can do.

Events of one instant are read in this order. `LIFE` events make an order and are its life;
the others only say something about it (L6). Everything the tracking needs to know about a
kind stands in this file.
"""

RANK: dict[str, int] = {
    kind: rank
    for rank, kind in enumerate(
        (
            "order_promised",
            "promise_changed",
            "picked_up",
            "in_transit",
            "arrived_depot",
            "out_for_delivery",
            "courier_arrived",
            "attempt_failed",
            "held",
            "released",
            "available_for_pickup",
            "delivered",
            "damaged",
            "lost",
            "returning",
            "returned",
            "cancelled",
            "eta_updated",
            "event_withdrawn",
            "feedback_given",
            "customer_asked",
            "intervention_made",
            "verdict_decided",
        )
    )
}

LIFE: frozenset[str] = frozenset(
    kind for kind, rank in RANK.items() if rank <= RANK["cancelled"]
)

# Promises are words; every other life event shows that somebody touched the parcel.
MOVES: frozenset[str] = LIFE - {"order_promised", "promise_changed"}

# The parcel's way takes a turn: waiting, going back, broken, gone or called off.
TURNS: frozenset[str] = frozenset({
    "available_for_pickup", "held", "returning", "returned", "damaged", "lost", "cancelled",
})  # fmt: skip

# After out_for_delivery each of these says that the attempt failed (T2).
ENDS_ATTEMPT: frozenset[str] = frozenset({
    "held", "damaged", "lost", "returning", "returned", "available_for_pickup",
})  # fmt: skip

# The parcel will not come unless a handover follows (L4).
FAILS: frozenset[str] = frozenset({"returning", "returned", "lost", "damaged"})
FAILING_REASONS: dict[str, frozenset[str]] = {
    "refused": frozenset({"attempt_failed"}),
    "pickup_unclaimed": MOVES,
}

# A handover is undone by these at any time, and by REOPENS an hour or more after it (L5).
UNDOES: frozenset[str] = frozenset({"returning", "returned", "lost"})
REOPENS: frozenset[str] = frozenset({"out_for_delivery", "attempt_failed"})
REOPENS_AFTER_MS = 3_600_000

# Delivered after these, without a new out_for_delivery, is the sender's receipt (L4).
BACK_TO_SENDER: frozenset[str] = frozenset({"returning", "returned"})

# Two conclusions closer than this, without a new out_for_delivery, are one visit (T1).
SAME_VISIT_MS = 2 * 3_600_000
# Out for delivery again later than this after the leg began: the first attempt failed (T2).
NEW_LEG_AFTER_MS = 24 * 3_600_000

# Who may receive without having agreed to it (T4); the others need `consented`.
AT_HOME: frozenset[str | None] = frozenset({None, "consignee", "household", "reception"})
