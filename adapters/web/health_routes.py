"""What a monitor asks: whether the process lives, whether it does its work, and its figures."""

from __future__ import annotations

from aiohttp import web

from adapters.web.metrics import METER
from adapters.web.proxies import came_from_this_machine
from adapters.web.services import SERVICES


def add_routes(application: web.Application) -> None:
    """Add /healthz, /readyz and /metrics."""
    application.router.add_get("/healthz", healthz)
    application.router.add_get("/readyz", readyz)
    application.router.add_get("/metrics", metrics)


async def healthz(request: web.Request) -> web.StreamResponse:
    """Answer at all: the process lives."""
    return web.json_response({"status": "ok"})


async def readyz(request: web.Request) -> web.StreamResponse:
    """Answer 200 when the desk does its work, 503 and the reasons when it does not."""
    problems = await request.app[SERVICES].problems()
    if problems:
        return web.json_response({"status": "not ready", "problems": problems}, status=503)
    return web.json_response({"status": "ready"})


async def metrics(request: web.Request) -> web.StreamResponse:
    """Answer with the figures, but only to a monitor on this machine: they are nobody else's business."""
    if not came_from_this_machine(request):
        raise web.HTTPNotFound
    # Imported with the instruments, by a desk that is asked.
    from adapters.web.instruments import CONTENT_TYPE

    services = request.app[SERVICES]
    text = request.app[METER].render(await services.figures(), services.sockets.total())
    return web.Response(body=text, headers={"Content-Type": CONTENT_TYPE})
