"""The HTML that is sent is what its MJML makes."""

from streams.dispatch.mailing import MADE, html


def test_the_html_is_current():
    assert MADE.read_text(encoding="utf-8") == html(), "run make generate"
