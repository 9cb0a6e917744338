"""The desk's articles as the widget gets them [R47]."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from aiohttp import web

from adapters.web.frames import Json
from chatdesk.config import Article


class WidgetArticles:
    """All articles, made when they are first asked for."""

    def __init__(self, articles: Sequence[Article]) -> None:
        self._articles = articles
        self._made: list[Json] | None = None

    async def made(self) -> list[Json]:
        """Return them, once they are made; the event loop is not held up meanwhile."""
        if self._made is None:
            self._made = await asyncio.to_thread(self._make) if self._articles else []
        return self._made

    def _make(self) -> list[Json]:
        # What reads Markdown is not loaded before there is something to read.
        from adapters.web.article_html import article_pieces

        return [
            {"title": article.title, "url": article.url}
            if article.url
            else {"title": article.title, "text": article_pieces(article.text)}
            for article in self._articles
        ]


ARTICLES = web.AppKey("widget_articles", WidgetArticles)
