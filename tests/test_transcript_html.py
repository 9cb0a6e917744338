"""The page of a transcript: which texts become links."""

from __future__ import annotations

from html.parser import HTMLParser

import pytest

from chatdesk.transcript_html import link


class Links(HTMLParser):
    """Where the links of a piece of HTML lead, and its text."""

    def __init__(self, source: str) -> None:
        super().__init__()
        self.to: list[str | None] = []
        self.text = ""
        self.feed(source)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert tag == "a"
        self.to.append(dict(attrs)["href"])

    def handle_data(self, data: str) -> None:
        self.text += data


@pytest.mark.parametrize(
    ("text", "linked"),
    [
        ("see https://help.example.com/a?b=1&c=2.", ["https://help.example.com/a?b=1&c=2"]),
        ("(http://a.example) and mailto:help@a.example!", ["http://a.example", "mailto:help@a.example"]),
        ("HTTPS://A.EXAMPLE/x", ["HTTPS://A.EXAMPLE/x"]),
        ("javascript:alert(1) data:text/html,x ftp://a.example tel:5550100 www.a.example", []),
        ("xhttps://a.example", []),
        ("https://good.example/\u202emoc.live", ["https://good.example/"]),
    ],
)
def test_only_web_and_mail_addresses_become_links_that_show_where_they_lead(
    text: str, linked: list[str]
) -> None:
    links = Links(str(link(text)))
    assert links.to == linked
    assert links.text == text
