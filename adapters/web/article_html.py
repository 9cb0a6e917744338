"""Articles as pages show them: Markdown made HTML in which nothing runs, and the widget's pieces of it [R47].

Loading what this needs takes a twentieth of a second: whoever serves the first customers after a start
imports it in a thread.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from html.parser import HTMLParser

import nh3
from markdown_it import MarkdownIt
from markupsafe import Markup

from adapters.web.frames import Json
from chatdesk.config import Article

TAGS = frozenset({"a", "blockquote", "br", "code", "em", "li", "ol", "p", "pre", "strong", "ul"})
_ADDRESS = re.compile(r"(?:https?://|mailto:|tel:)", re.IGNORECASE)

# What is not offered stays as it was typed; pictures would be fetched from elsewhere.
_MARKDOWN = MarkdownIt("commonmark", {"html": False}).disable(["image", "hr"])
# A page has headings of its own, in their order: an article's are strong text between them.
_MARKDOWN.add_render_rule("heading_open", lambda *_: "<p><strong>")
_MARKDOWN.add_render_rule("heading_close", lambda *_: "</strong></p>\n")


def article_html(text: str) -> str:
    """Return an article's Markdown (CommonMark) as HTML, safe to be put into a page [threats 10, 11]."""
    return nh3.clean(
        _MARKDOWN.render(text),
        tags=set(TAGS),
        attributes={"a": {"href"}},
        attribute_filter=_filtered,
        url_schemes={"http", "https", "mailto", "tel"},
        link_rel="noopener noreferrer",
        set_tag_attribute_values={"a": {"target": "_blank"}},
    )


def shown_articles(articles: Sequence[Article]) -> list[dict[str, str | Markup]]:
    """Return the common questions with their answers, as ``article_list.html`` takes them."""
    return [
        # Everything that could do harm has been taken out.
        {"title": article.title, "url": article.url, "text": Markup(article_html(article.text))}  # noqa: S704
        for article in articles
    ]


def _filtered(_tag: str, attribute: str, value: str) -> str | None:
    """Leave out addresses within a site: in the widget that would be somebody else's."""
    return value if attribute != "href" or _ADDRESS.match(value) else None


def article_pieces(text: str) -> list[Json]:
    """Return an article's Markdown as pieces: texts, and lists of a tag, a link's attributes and pieces.

    The widget makes elements of them one by one: no page has to take markup from elsewhere.
    """
    parser = _Pieces()
    parser.feed(article_html(text))
    parser.close()
    return parser.pieces


class _Pieces(HTMLParser):
    """Reads HTML that has been cleaned: every element but a line break ends where it should."""

    def __init__(self) -> None:
        super().__init__()
        self.pieces: list[Json] = []
        self._within = [self.pieces]

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        piece: list[Json] = [tag]
        if attrs:
            piece.append(dict(attrs))
        self._within[-1].append(piece)
        if tag != "br":
            self._within.append(piece)

    def handle_endtag(self, tag: str) -> None:
        self._within.pop()

    def handle_data(self, data: str) -> None:
        self._within[-1].append(data)
