"""What the tower says when it cannot go on."""


class TowerError(Exception):
    """A mistake or a failure that one sentence explains; the command line prints only that."""
