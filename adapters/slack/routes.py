"""Slack's requests by HTTP, on the desk's own web application."""

from __future__ import annotations

from aiohttp import web
from slack_bolt.app.async_app import AsyncApp

from adapters.slack.bolt_app import dispatch_http

PATHS = ("/slack/events", "/slack/interactions", "/slack/commands")
MAX_BODY = 512 * 1024
"""Bytes; Slack sends less than 100 kB."""


def add_routes(application: web.Application, app: AsyncApp) -> None:
    """Add Slack's request URLs. Each takes everything, so that one URL would do."""

    async def receive(request: web.Request) -> web.Response:
        if (request.content_length or 0) > MAX_BODY:
            raise web.HTTPRequestEntityTooLarge(MAX_BODY, request.content_length or 0)
        try:
            body = (await request.read()).decode()
        except UnicodeDecodeError:
            raise web.HTTPBadRequest(text="The body is not UTF-8.") from None
        answer = await dispatch_http(app, body, dict(request.headers))
        headers = answer.first_headers_without_set_cookie()
        kind = headers.pop("content-type", "text/plain").partition(";")[0]
        return web.Response(status=answer.status, text=answer.body, headers=headers, content_type=kind)

    for path in PATHS:
        application.router.add_post(path, receive)
