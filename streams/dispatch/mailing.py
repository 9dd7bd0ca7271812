"""The mail's HTML from its MJML: made when the product is built, and kept beside it.

MJML knows the tables and conditions that mail programs need; what is filled in later passes
through it untouched. `python -m streams.dispatch.mailing` writes the file, and a test finds
one that is out of date. Only this needs the compiler (`mrml`); sending does not.
"""

from pathlib import Path

FOLDER = Path(__file__).parent / "templates"
SOURCE, MADE = FOLDER / "notice.mjml", FOLDER / "notice.html.j2"


def html() -> str:
    """Return the HTML that the MJML makes."""
    import mrml  # noqa: PLC0415 - a tool of the build, not of the product

    return mrml.to_html(SOURCE.read_text(encoding="utf-8")).content + "\n"


if __name__ == "__main__":
    MADE.write_text(html(), encoding="utf-8")
