"""When the model is not to be believed: its skill against the base rate, window by window.

After three windows in a row without skill the base rate is said instead (kpis 2.7); what the
model would have said is scored on, and one window with skill brings it back.
"""

WINDOW = 200  # scored predictions of one horizon
MOST_BAD = 3  # windows without skill, in a row, after which it is not believed


class Watch:
    """How one horizon has done of late; losses are of 10^-12, exact.

    `bad` counts the windows in a row whose skill was below 0, `skill` is that of the last.
    """

    __slots__ = ("bad", "base_loss", "loss", "n", "skill")

    def __init__(self, bad: int = 0) -> None:
        self.n = self.loss = self.base_loss = 0
        self.bad = bad
        self.skill: float | None = None

    @property
    def fallen(self) -> bool:
        """Whether the base rate is said instead."""
        return self.bad >= MOST_BAD

    def note(self, p: int, base: int, *, late: bool) -> bool:
        """Take what became of a prediction; True if it is now believed otherwise than before.

        `p` and `base` are micro-probabilities.
        """
        y = 1_000_000 * late
        self.n += 1
        self.loss += (p - y) ** 2
        self.base_loss += (base - y) ** 2
        if self.n < WINDOW:
            return False
        before = self.fallen
        self.skill = 1 - self.loss / self.base_loss if self.base_loss else 0.0
        self.bad = self.bad + 1 if self.loss > self.base_loss else 0
        self.n = self.loss = self.base_loss = 0
        return self.fallen != before
