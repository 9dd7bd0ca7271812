"""Every sentence a customer may read, in English; in other languages they are in `languages/`.

The English sentence is the key of its translations, so that one which is missing is read in
English. Names in brackets are filled in.
"""

from models.notices import NoticeKind
from streams.domain.reasons import CODES

HELLO = "Hello,"
HEADLINES: dict[NoticeKind, str] = {
    "delay_predicted": "Your delivery is likely to be later than promised",
    "delay_worse": "Your delivery is delayed further",
    "delay_cleared": "Good news: your delivery is expected as promised after all",
    "out_for_delivery": "Your parcel is out for delivery",
    "near": "Your parcel is almost there",
    "attempt_failed": "Your parcel could not be delivered",
    "action_needed": "Your parcel cannot be delivered without your help",
    "available_for_pickup": "Your parcel is ready for pick-up",
    "delivered": "Your parcel was delivered",
    "feedback_request": "How was your delivery?",
}

ORDER, CARRIER, PROMISED, EXPECTED = "Order", "Carrier", "Promised", "Expected"
THE_CARRIER = "the carrier"
BY = "%(day)s, by %(time)s"
WITHIN = "%(day)s, %(times)s"
OVERNIGHT = "%(start)s to %(end)s"

# Why it is written, by kind and by cause, else by the carrier's reason, else in general.
WHY_LATE: dict[tuple[NoticeKind, str], str] = {
    ("delay_predicted", "eta_after_promise"): (
        "The carrier's latest estimate is later than the time you were promised."
    ),
    ("delay_predicted", "silent"): (
        "The carrier has not reported any progress on your parcel yet, which is unusual this"
        " close to the promised time."
    ),
    ("delay_worse", "eta_after_promise"): (
        "The carrier's latest estimate is later than its earlier one."
    ),
    ("delay_worse", "silent"): (
        "The carrier has still not reported any progress on your parcel."
    ),
    ("delay_cleared", "eta_after_promise"): (
        "The carrier's latest estimate is in time for the promise again."
    ),
    ("delay_cleared", "silent"): "The carrier has reported progress on your parcel.",
}
_BEYOND = "Circumstances beyond the carrier's control did not allow it."
_CARRIER = "The carrier did not manage to come to your door."
WHY_FAILED: dict[str, str] = {
    "not_home": "The courier found nobody at home.",
    "business_closed": "The courier found the business closed.",
    **dict.fromkeys(CODES["carrier"], _CARRIER),
    **dict.fromkeys(CODES["force_majeure"], _BEYOND),
    **dict.fromkeys(CODES["authority"], _BEYOND),
}
WHY_ACTION: dict[str, str] = {
    "wrong_address_given": "The address is incomplete or wrong.",
    "access_restricted": "The courier could not get to your door.",
    "verification_failed": "Your identity or your code could not be checked.",
    "unpaid_cod": "The amount due on delivery was not paid.",
    "duties_unpaid": "Customs duties are still to be paid.",
    "documents": "Customs need documents from you.",
}
WHY: dict[NoticeKind, str] = {
    "out_for_delivery": "The courier has left with your parcel.",
    "near": "The courier is expected in about %(soon)s.",
    "attempt_failed": "The courier could not hand your parcel over.",
    "action_needed": "The courier could not hand your parcel over.",
    "available_for_pickup": "The carrier has taken your parcel to a pick-up point or locker.",
    "delivered": "The carrier has reported your parcel as delivered.",
    "feedback_request": "Your parcel has arrived, and we would like to know how it went.",
}

# What follows for the reader.
ESTIMATE = "The expected time is an estimate; you do not have to do anything."
NOTHING = "You do not have to do anything."
SORRY = (
    "The expected time is an estimate. We are sorry for the wait; you do not have to do"
    " anything."
)
NO_TIME = "There is no new time yet. We are sorry for the wait; you do not have to do anything."
NEXT: dict[NoticeKind, str] = {
    "delay_cleared": NOTHING,
    "out_for_delivery": NOTHING,
    "near": NOTHING,
    "attempt_failed": (
        "Next, the carrier will try again or take it to a pick-up point. You do not have to do"
        " anything now."
    ),
    "action_needed": "Please ask the carrier what it needs from you.",
    "available_for_pickup": (
        "Please fetch it: the carrier's own message says where it is and until when it is kept."
    ),
    "delivered": (
        "If you cannot find it, please ask in your household and next door, then tell the shop."
    ),
    "feedback_request": "It takes a minute: %(feedback)s",
}
NEXT_ACTION: dict[str, str] = {
    "wrong_address_given": "Please tell the carrier or the shop your full address.",
    "access_restricted": "Please tell the carrier how to get in, or ask for a pick-up point.",
    "verification_failed": (
        "Please have your identity card or code ready and ask the carrier to come again."
    ),
    "unpaid_cod": "Please have the amount ready for the next visit, or ask how else to pay it.",
    "duties_unpaid": "Please pay them the way the carrier or customs have told you.",
    "documents": "Please send them the way the carrier or customs have told you.",
}

AS_OF = "As of %(time)s on %(day)s. All times are local (%(zone)s)."
REASON = "We write to you because of something you ordered."
PREFERENCES = "Choose what we write to you about: %(preferences)s"
STOP = "Reply STOP to end."


def sentences() -> set[str]:
    """Return every sentence that needs a translation."""
    tables = (HEADLINES, WHY_LATE, WHY_FAILED, WHY_ACTION, WHY, NEXT, NEXT_ACTION)
    single = {
        HELLO, ORDER, CARRIER, PROMISED, EXPECTED, THE_CARRIER, BY, WITHIN, OVERNIGHT, ESTIMATE,
        NOTHING, SORRY, NO_TIME, AS_OF, REASON, PREFERENCES, STOP,
    }  # fmt: skip
    return single.union(*(table.values() for table in tables))
