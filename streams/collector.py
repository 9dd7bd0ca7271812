"""Python's garbage collector, told to look less often: our objects make no circles."""

import gc


def relax() -> None:
    """Leave alone what was imported, and look at the rest every 500,000 objects.

    Looking at everything every 700 objects takes up to a quarter of a worker's time, every
    100,000 still a twenty-fifth.
    """
    gc.freeze()
    gc.set_threshold(500_000, 50, 50)
