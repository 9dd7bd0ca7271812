"""A measured table replaces the one of its name and no other line of the page."""

from tests.bench.page import put


def test_a_page_that_is_missing_is_made(tmp_path):
    put(tmp_path / "var" / "page.md", "### Speed (1 round)\n\nfast\n")
    assert (tmp_path / "var" / "page.md").read_text() == (
        "## Measured\n\n### Speed (1 round)\n\nfast\n"
    )


def test_a_block_replaces_the_one_of_its_name(tmp_path):
    page = tmp_path / "page.md"
    page.write_text(
        "# Title\n\nwords\n\n## Measured\n\n### Speed (1 round)\n\nslow\n\n"
        "### Replay (9)\n\nr\n"
    )
    put(page, "### Speed (5 rounds)\n\nfast\n")
    put(page, "### Couriers (2)\n\nc\n")
    assert page.read_text() == (
        "# Title\n\nwords\n\n## Measured\n\n### Speed (5 rounds)\n\nfast\n\n"
        "### Replay (9)\n\nr\n\n### Couriers (2)\n\nc\n"
    )
