"""Routes that are added at the first request for one of them.

What a customer's page needs to be served again is there when the desk starts to listen. The console, the
pages and what they are made with take a tenth of a second to import: they come after that, at the first
request that nothing else answers [docs/performance.md]. They are imported in a thread [chatdesk.warming].
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator
from typing import Any

from aiohttp import web
from aiohttp.web_urldispatcher import AbstractResource, AbstractRoute, UrlMappingMatchInfo
from yarl import URL

AddRoutes = Callable[[web.Application], None]
"""Adds routes, and what they keep, to an application."""
Prepare = Callable[[], Awaitable[None]]
"""Imports what the routes need, without holding the event loop."""


async def _nothing_to_prepare() -> None:
    """What is needed is imported when the routes are added."""


class LateRoutes(AbstractResource):
    """Stands for all of them; it is asked last, for what no other route is for.

    They live in an application within the desk's own, which has all that the outer one has.
    """

    def __init__(self, outer: web.Application) -> None:
        super().__init__()
        self._outer = outer
        self._waiting: list[AddRoutes] = []
        self._prepare: Prepare = _nothing_to_prepare
        self._inner: web.Application | None = None

    def add(self, add_routes: AddRoutes) -> None:
        """Have routes added when one of them is asked for."""
        self._waiting.append(add_routes)

    def prepare_with(self, prepare: Prepare) -> None:
        """Have the first request wait for this."""
        self._prepare = prepare

    def load(self) -> web.Application:
        """Add the routes, if that has not happened; return the application that has them."""
        if self._inner is None:
            inner = web.Application()
            for key in self._outer:
                inner[key] = self._outer[key]
            for add_routes in self._waiting:
                add_routes(inner)
            inner.freeze()
            self._inner = inner
        return self._inner

    async def close(self, _: web.Application) -> None:
        """End what the routes keep."""
        if self._inner is not None:
            await self._inner.cleanup()

    async def resolve(self, request: web.Request) -> tuple[UrlMappingMatchInfo | None, set[str]]:
        """Find the route for a request; None, and the methods its path knows, when there is none."""
        if self._inner is None:
            await self._prepare()
        inner = self.load()
        found = await inner.router.resolve(request)
        if isinstance(found.http_exception, web.HTTPMethodNotAllowed):
            return None, found.http_exception.allowed_methods
        if found.http_exception is not None:
            return None, set()
        found.add_app(inner)
        return found, set()

    @property
    def canonical(self) -> str:
        """The beginning of all their paths."""
        return "/"

    def raw_match(self, path: str) -> bool:
        """Any path may be one of them."""
        return True

    def add_prefix(self, prefix: str) -> None:
        """Raises RuntimeError: the desk's application is not put into another."""
        raise RuntimeError(f"The desk's routes cannot be moved to {prefix}.")

    def url_for(self, **_: str) -> URL:
        """Raises RuntimeError: there is no one address."""
        raise RuntimeError("These are many routes.")

    def get_info(self) -> Any:
        """Return what aiohttp shows of a resource."""
        return {"path": self.canonical}

    def __len__(self) -> int:
        return len(self.load().router.routes())

    def __iter__(self) -> Iterator[AbstractRoute]:
        return iter(self.load().router.routes())


LATE = web.AppKey("late_routes", LateRoutes)
