"""Which pages may use a widget: exact origins by widget key, and the desk's own pages."""

from __future__ import annotations

from aiohttp import web

from adapters.web.services import SERVICES
from chatdesk.config import WidgetSettings
from chatdesk.settings.clients import OWN_WIDGET


def widget_for(request: web.Request, *, without_origin: bool = False) -> WidgetSettings:
    """Return the widget whose key the request names, the desk's own without one, if its page may use it.

    A browser leaves the origin out of a page's GET to its own site; ``without_origin`` lets such a
    request pass, where the answer is no secret or something else in the request is.

    Raises HTTPNotFound for an unknown key and HTTPForbidden for a page of an origin that is not listed.
    """
    services = request.app[SERVICES]
    widget = services.config.widget(request.query.get("key", OWN_WIDGET))
    if widget is None:
        raise web.HTTPNotFound(text="There is no widget with this key.")
    if without_origin and "Origin" not in request.headers:
        return widget
    if not may_use(request, widget):
        raise web.HTTPForbidden(text="This page may not use this widget: its origin is not listed.")
    return widget


def may_use(request: web.Request, widget: WidgetSettings) -> bool:
    """Tell whether the page that asks may use the widget; without an Origin header nobody may."""
    origin = request.headers.get("Origin")
    return origin is not None and (origin in widget.origins or origin == own_origin(request))


def own_origin(request: web.Request) -> str:
    """Return the origin under which this request reached the desk."""
    public = request.app[SERVICES].config.desk.public_url
    return public or f"{request.scheme}://{request.host}"
