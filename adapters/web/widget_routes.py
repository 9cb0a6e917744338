"""The widget's own addresses: the loader and the chat it loads, and the configuration."""

from __future__ import annotations

import secrets

from aiohttp import web

from adapters.web import visitor_stream
from adapters.web.allowance import Allowances
from adapters.web.cors import allow, preflight, readable_widget
from adapters.web.origins import own_origin
from adapters.web.services import SERVICES
from adapters.web.ticket_finding import FINDING, TicketFinding
from adapters.web.visitor_connection import ADDRESSES, ALLOWANCES, Addresses
from adapters.web.visitor_events import CHANNEL
from adapters.web.visitor_identity import IDENTITIES, SiteIdentities
from adapters.web.visitor_socket import visitor_socket
from adapters.web.widget_articles import ARTICLES, WidgetArticles
from adapters.web.widget_assets import ASSETS, WidgetAssets, serve_chat, serve_loader
from adapters.web.widget_config import widget_config
from chatdesk.channels import DESKTOP
from chatdesk.chat_codes import ChatCodes


def add_routes(application: web.Application) -> None:
    """Add the widget's routes."""
    services = application[SERVICES]
    # Without a secret of the desk's own codes hold until this process ends.
    codes = ChatCodes(services.secret or secrets.token_hex(32))
    application[FINDING] = TicketFinding(services.config, services.desk, services.staff_reads, codes)
    application[IDENTITIES] = SiteIdentities(services.config, services.identities)
    application[ADDRESSES] = Addresses()
    application[ALLOWANCES] = Allowances()
    application[ASSETS] = WidgetAssets()
    application[ARTICLES] = WidgetArticles(services.config.articles)
    router = application.router
    router.add_get("/widget.js", serve_loader)
    router.add_get("/widget/chat/{digest}.js", serve_chat)
    router.add_get("/widget/config", _config)
    router.add_options("/widget/config", preflight)
    router.add_get("/widget/socket", visitor_socket)
    visitor_stream.add_routes(application)


async def _config(request: web.Request) -> web.StreamResponse:
    services = request.app[SERVICES]
    widget = readable_widget(request)
    channel = request.query.get("channel", CHANNEL)
    if channel not in (CHANNEL, DESKTOP):
        raise web.HTTPBadRequest(text=f"The chat opens by the channels {CHANNEL} and {DESKTOP} only.")
    shown = widget_config(services.config, widget, services.clock(), own_origin(request), channel)
    shown["articles"] = await request.app[ARTICLES].made()
    return allow(request, web.json_response(shown))
