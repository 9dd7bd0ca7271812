"""The page the tables are kept on: each part replaces its own table and leaves the others."""

from pathlib import Path

BEGINNING = "## Measured"


def put(page: Path, block: str) -> None:
    """Put a block, whose first line is `### NAME (...)`, below the line `## Measured`.

    It takes the place of the block of that name, or comes last; a page that is missing is made.
    """
    text = page.read_text() if page.exists() else f"{BEGINNING}\n"
    above, _, below = text.partition(f"{BEGINNING}\n")
    there = f"\n{below.strip()}".split("\n### ")[1:]
    blocks = {name_of(each): each.strip() for each in there}
    new = block.strip().removeprefix("### ")
    blocks[name_of(new)] = new
    page.parent.mkdir(parents=True, exist_ok=True)
    whole = "\n\n".join(f"### {each}" for each in blocks.values())
    page.write_text(f"{above}{BEGINNING}\n\n{whole}\n")


def name_of(block: str) -> str:
    """Return the name of a block: its first line up to the bracket."""
    return block.partition("\n")[0].partition(" (")[0]
