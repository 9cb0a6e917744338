"""Articles' Markdown as pages show it: what is offered, and that it is safe [R47] [threats 10-11]."""

from __future__ import annotations

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from adapters.web.article_html import TAGS, article_html, article_pieces
from adapters.web.frames import Json

SAFE = 'target="_blank" rel="noopener noreferrer"'


@pytest.mark.parametrize(
    ("text", "html"),
    [
        ("Save *your* work.", "<p>Save <em>your</em> work.</p>"),
        ("**Now**\n\nand `here`", "<p><strong>Now</strong></p>\n<p>and <code>here</code></p>"),
        ("- one\n- two", "<ul>\n<li>one</li>\n<li>two</li>\n</ul>"),
        ("1. one\n2. two", "<ol>\n<li>one</li>\n<li>two</li>\n</ol>"),
        ("# Steps", "<p><strong>Steps</strong></p>"),
        ("Steps\n---", "<p><strong>Steps</strong></p>"),
        ("> quoted", "<blockquote>\n<p>quoted</p>\n</blockquote>"),
        ("    ping", "<pre><code>ping\n</code></pre>"),
        ("one  \ntwo", "<p>one<br>\ntwo</p>"),
        (
            "[VPN](https://a.example/?x=1&y=2)",
            f'<p><a href="https://a.example/?x=1&amp;y=2" {SAFE}>VPN</a></p>',
        ),
        ("[Call](tel:5550100)", f'<p><a href="tel:5550100" {SAFE}>Call</a></p>'),
        ("<it@a.example>", f'<p><a href="mailto:it@a.example" {SAFE}>it@a.example</a></p>'),
    ],
)
def test_the_usual_marks_become_elements(text: str, html: str) -> None:
    assert article_html(text).strip() == html


@pytest.mark.parametrize(
    "text",
    [
        "<script>alert(1)</script>",
        '<img src=x onerror="alert(1)">',
        "<a href='javascript:alert(1)'>x</a>",
        "[x](javascript:alert(1))",
        "[x](JaVaScRiPt:alert(1))",
        "[x](data:text/html;base64,PHNjcmlwdD4=)",
        "[x](vbscript:x)",
        "<javascript:alert(1)>",
        '[x](https://a.example/"onmouseover=alert(1) "t")',
        "![x](https://a.example/x.png)",
        "`<script>`",
        "```<script>\n</code></pre><script>alert(1)</script>\n```",
        "&lt;script&gt;alert(1)&lt;/script&gt;",
        "<svg onload=alert(1)>",
        "[x]: javascript:alert(1)\n[x]",
    ],
)
def test_nothing_that_runs_or_fetches_comes_of_any_text(text: str) -> None:
    html = article_html(text)
    assert set(re.findall(r"<([a-z0-9]+)", html)) <= TAGS
    assert set(re.findall(r"<[^>]* ([a-z]+)=", html)) <= {"href", "rel", "target"}
    assert all(address.startswith("https://a.example/") for address in re.findall(r'href="(.*?)"', html))


@pytest.mark.parametrize("address", ["/tickets", "//a.example", "tickets.html", "#top", "?x"])
def test_an_address_within_a_site_leads_nowhere(address: str) -> None:
    assert "href" not in article_html(f"[x]({address})")


def test_pieces_say_the_same_as_the_html() -> None:
    link = {"href": "https://a.example/?x=1&y=2", "target": "_blank", "rel": "noopener noreferrer"}
    assert article_pieces("Save *it*  \nat <b>\n[here](https://a.example/?x=1&y=2).\n- one") == [
        ["p", "Save ", ["em", "it"], ["br"], "\nat <b>\n", ["a", link, "here"], "."],
        "\n",
        ["ul", "\n", ["li", "one"], "\n"],
        "\n",
    ]


def checked(piece: Json) -> None:
    """Fail where the widget would make of a piece anything but text and the elements that are offered."""
    if isinstance(piece, str):
        return
    assert isinstance(piece, list)
    tag, *inside = piece
    assert tag in TAGS
    if tag == "a":
        attributes = inside.pop(0)
        assert isinstance(attributes, dict)
        assert set(attributes) <= {"href", "rel", "target"}
        assert re.match(r"(?i)https?://|mailto:|tel:|$", str(attributes.get("href", "")))
    for each in inside:
        checked(each)


MARKS = (
    "*", "**", "_", "`", "```\n", "[", "](", ")", "<", ">", "\n", "\n\n", "- ", "1. ", "# ", "javascript:",
    "https://a.example", "<script>", "onload=", '"', "'", "&lt;", "\\", "    ", "a",
)  # fmt: skip
texts = st.one_of(st.lists(st.sampled_from(MARKS), max_size=60).map("".join), st.text(max_size=200))


@pytest.mark.property
@settings(max_examples=200, deadline=None)
@given(texts)
def test_of_any_text_come_only_pieces_that_are_offered(text: str) -> None:
    for piece in article_pieces(text):
        checked(piece)
