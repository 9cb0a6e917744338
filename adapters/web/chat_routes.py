"""The page that the icon on a managed computer opens [R6]: the chat, and nothing else."""

from __future__ import annotations

from aiohttp import web

from adapters.web.demo_routes import PAGES
from adapters.web.origins import widget_for
from adapters.web.services import SERVICES
from chatdesk.channels import DESKTOP
from chatdesk.computer import RULE, is_computer_name
from chatdesk.config import WidgetSettings
from chatdesk.desktop_icon import PATH
from chatdesk.open_ways import refusal
from chatdesk.settings.addresses import origin_of

POLICY = (
    "default-src 'self'; img-src {images}; object-src 'none'; base-uri 'none'; form-action 'self'; "
    "frame-ancestors 'none'"
)


def add_routes(application: web.Application) -> None:
    """Add the icon's page."""
    application.router.add_get(PATH, show_chat)


async def show_chat(request: web.Request) -> web.StreamResponse:
    """Open the chat for the computer that the address names, or say why the name cannot be used.

    The address is whoever's who sent it: its name is shown, and does nothing else before the customer has
    submitted the survey. Raises HTTPNotFound where the icon is not offered, or the widget is unknown [R8].
    """
    services = request.app[SERVICES]
    refused = refusal(services.config, DESKTOP)
    if refused:
        raise web.HTTPNotFound(text=refused)
    widget = widget_for(request, without_origin=True)
    computer = request.query.get("computer", "")
    usable = not computer or is_computer_name(computer)
    values = {"computer": computer, "rule": RULE, "form": "form" in services.config.channels, "path": PATH}
    text = PAGES.get_template("chat.html" if usable else "chat_refused.html").render(
        desk=services.config.desk, widget=widget, **values
    )
    headers = {"Content-Security-Policy": _policy(widget)}
    return web.Response(text=text, status=200 if usable else 400, content_type="text/html", headers=headers)


def _policy(widget: WidgetSettings) -> str:
    """Return what the page may load: its own things, pictures in the chat, and the logo."""
    images = " ".join(filter(None, ("'self'", "blob:", widget.logo and origin_of(widget.logo))))
    return POLICY.format(images=images)
