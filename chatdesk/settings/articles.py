"""[[articles]]: answers to common questions, offered before anybody waits for one [R47]."""

from __future__ import annotations

from chatdesk.settings import addresses, values
from chatdesk.settings.model import Article
from chatdesk.settings.table import Table

MOST = 20
"""Articles of one desk: customers are to find their question at a glance."""


def read_articles(root: Table) -> tuple[Article, ...]:
    """Read the file's [[articles]]; each has its answer in itself or leads to it."""
    tables = root.tables("articles")
    if len(tables) > MOST:
        root.note("articles", f"has {len(tables)} articles; at most {MOST} are allowed.")
    return tuple(_article(table) for table in tables)


def _article(table: Table) -> Article:
    article = Article(
        title=table.require("title", values.text(100), "", '"How do I open a ticket?"'),
        text=table.read("text", values.paragraphs(), ""),
        url=table.read("url", addresses.link("https"), ""),
    )
    if "text" in table and "url" in table:
        table.note("url", "stands beside text; write one of the two.")
    elif "text" not in table and "url" not in table:
        table.note("text", 'is missing; write text = "the answer, in Markdown" or url = "https://…".')
    table.finish()
    return article
