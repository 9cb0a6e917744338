"""What a monitor asks: whether the process lives, and whether it does its work."""

from __future__ import annotations

from aiohttp import web

from adapters.web.services import SERVICES


def add_routes(application: web.Application) -> None:
    """Add /healthz and /readyz."""
    application.router.add_get("/healthz", healthz)
    application.router.add_get("/readyz", readyz)


async def healthz(request: web.Request) -> web.StreamResponse:
    """Answer at all: the process lives."""
    return web.json_response({"status": "ok"})


async def readyz(request: web.Request) -> web.StreamResponse:
    """Answer 200 when the desk does its work, 503 and the reasons when it does not."""
    problems = await request.app[SERVICES].problems()
    if problems:
        return web.json_response({"status": "not ready", "problems": problems}, status=503)
    return web.json_response({"status": "ready"})
