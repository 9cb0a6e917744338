"""The aiohttp application: routes, and starting and stopping what lives with it."""

from __future__ import annotations

from aiohttp import WSCloseCode, web

from adapters.web import error_answers, health_routes, widget_routes
from adapters.web.flusher import FLUSHER, Flusher, flushing
from adapters.web.heartbeat import HEARTBEAT, Heartbeat, beating
from adapters.web.late_routes import LATE, LateRoutes
from adapters.web.metrics import METER, Meter
from adapters.web.middlewares import every_request
from adapters.web.queue_places import PLACES, QueuePlaces
from adapters.web.security_headers import add_security_headers
from adapters.web.services import SERVICES, Services

MAX_BODY = 1024 * 1024
"""Bytes of a request's body; uploads are streamed to disk and have limits of their own."""


def build_application(services: Services) -> web.Application:
    """Return the desk's web application."""
    application = web.Application(middlewares=[every_request], client_max_size=MAX_BODY)
    application[SERVICES] = services
    application[METER] = Meter()
    application[HEARTBEAT] = Heartbeat()
    application[FLUSHER] = Flusher()
    application.cleanup_ctx.extend((beating, flushing))
    services.desk.on_batch(application[METER].batch)
    add_security_headers(application)
    error_answers.add_routes(application)
    places = QueuePlaces(services.staff_reads, services.config.queue.order)
    application[PLACES] = places
    services.hub.listen_to_desk(places.on_news)
    widget_routes.add_routes(application)
    health_routes.add_routes(application)
    late = LateRoutes(application)
    late.add(_add_pages)
    application[LATE] = late
    application.router.register_resource(late)
    application.on_cleanup.append(late.close)
    application.on_shutdown.append(_say_goodbye)
    return application


def _add_pages(application: web.Application) -> None:
    # Imported when they are first asked for [adapters.web.late_routes].
    from adapters.web import (
        chat_routes,
        console_routes,
        demo_routes,
        file_routes,
        form_routes,
        mail_routes,
        start_routes,
        transcript_routes,
    )

    pages = (start_routes, demo_routes, form_routes, chat_routes, console_routes)
    for part in (*pages, file_routes, transcript_routes, mail_routes):
        part.add_routes(application)


async def _say_goodbye(application: web.Application) -> None:
    """Tell live clients that the desk restarts: they come back by themselves."""
    application[SERVICES].sockets.close_all(WSCloseCode.SERVICE_RESTART, b"restarting")
