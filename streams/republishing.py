"""When everything a partition publishes is to be published again, changed or not.

An old owner's record that the broker took late may lie over ours, and nothing shows it: cells
carry no offset that compaction would respect (docs/protocol.md, section 4, rule 8). So what is
published heals by itself.
"""

EVERY = 600  # publications; one a second makes it ten minutes


class Republishing:
    """Counts the publications of one owner of one partition."""

    def __init__(self) -> None:
        self._left = EVERY

    def due(self) -> bool:
        """Count a publication; tell whether it is to hold everything."""
        self._left -= 1
        if self._left > 0:
            return False
        self._left = EVERY
        return True
