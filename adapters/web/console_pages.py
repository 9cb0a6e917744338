"""The console's pages and their static files: read once, served with an entity tag and a strict policy."""

from __future__ import annotations

import hashlib
import mimetypes
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from aiohttp import web
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from adapters.web.colour import theme_sheet
from adapters.web.services import SERVICES

_HERE = Path(__file__).parent
POLICY = (
    "default-src 'self'; img-src 'self' blob:; object-src 'none'; base-uri 'none'; "
    "form-action 'self'; frame-ancestors 'none'"
)
_HEADERS = {
    "Content-Security-Policy": POLICY,
    # With "no-referrer" browsers would send forms without saying which page they are on.
    "Referrer-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
    "Cache-Control": "no-store",
}
_templates = Environment(
    loader=FileSystemLoader(_HERE / "templates"), autoescape=True, undefined=StrictUndefined
)


@dataclass(frozen=True, slots=True)
class StaticFile:
    """One static file as it is served."""

    content: bytes
    media_type: str
    tag: str


def page(request: web.Request, template: str, **values: object) -> web.Response:
    """Return a page from a template; every value is escaped."""
    desk = request.app[SERVICES].config.desk
    text = _templates.get_template(template).render(desk_name=desk.name, language=desk.language, **values)
    return web.Response(text=text, content_type="text/html", headers=_HEADERS)


async def theme(request: web.Request) -> web.Response:
    """Serve the desk's colours as custom properties, in both schemes."""
    text = theme_sheet(request.app[SERVICES].config.desk.colour)
    return web.Response(text=text, content_type="text/css", headers={"Cache-Control": "no-cache"})


async def static_file(request: web.Request) -> web.Response:
    """Serve one of the console's own files, and nothing else of the disk."""
    found = _static_files().get(request.match_info["name"])
    if found is None:
        raise web.HTTPNotFound(text="There is no such file.")
    headers = {"ETag": found.tag, "Cache-Control": "no-cache", "X-Content-Type-Options": "nosniff"}
    if request.headers.get("If-None-Match") == found.tag:
        return web.Response(status=304, headers=headers)
    return web.Response(body=found.content, content_type=found.media_type, charset="utf-8", headers=headers)


@cache
def _static_files() -> dict[str, StaticFile]:
    return {path.name: _read(path) for path in sorted((_HERE / "static" / "console").iterdir())}


def _read(path: Path) -> StaticFile:
    content = path.read_bytes()
    media_type = "text/javascript" if path.suffix == ".js" else mimetypes.guess_type(path.name)[0]
    tag = f'"{hashlib.sha256(content).hexdigest()[:32]}"'
    return StaticFile(content, media_type or "application/octet-stream", tag)
