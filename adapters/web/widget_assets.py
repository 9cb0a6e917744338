"""The widget's files as browsers get them: two scripts, compressed once, named by their content.

The parts stay separate files to be read and edited; a visitor gets them joined, without comments and
indentation, because one stream compresses better than eight and one hash then vouches for all of it.
"""

from __future__ import annotations

import asyncio
import base64
import gzip
import hashlib
import json
import re
from functools import cached_property
from importlib.resources import files

import brotli
from aiohttp import web
from msgspec import Struct

from adapters.web.squeeze import squeeze_script, squeeze_style

LOADER = "widget.js"
PARTS = (
    "widget-dom.js",
    "widget-link.js",
    "widget-dialogue.js",
    "widget-files.js",
    "widget-survey.js",
    "widget-ending.js",
    "widget-thread.js",
    "widget-chat.js",
)
"""What the loader fetches once the launcher is clicked, each after those it builds on."""
STYLE = "widget.css"

_FOREVER = "public, max-age=31536000, immutable"
_CHECK_SOON = "public, max-age=300"
_NEVER = re.compile(r"\s*q=0(\.0*)?\s*")
_IMPORT = re.compile(r"^import .*\n", re.MULTILINE)
_EXPORT = re.compile(r"^export (?!async function start)", re.MULTILINE)


class Asset(Struct, frozen=True):
    """One script, ready to be sent. ``integrity`` is what a page writes into its script tag.

    ``compressed`` has it in each encoding that it is sent in, the smallest first.
    """

    content: bytes
    compressed: tuple[tuple[str, bytes], ...]
    etag: str
    integrity: str


class WidgetAssets:
    """The loader and the chat it loads, made when they are first asked for or ``make`` is called."""

    def make(self) -> None:
        """Make both, which takes a tenth of a second."""
        _ = self.loader

    async def made(self) -> WidgetAssets:
        """Return these, once they are made; the event loop is not held up meanwhile."""
        if "loader" not in self.__dict__:
            await asyncio.to_thread(self.make)
        return self

    @cached_property
    def chat(self) -> Asset:
        """The chat."""
        style = json.dumps(squeeze_style(_read(STYLE)), ensure_ascii=False)
        scripts = (_EXPORT.sub("", _IMPORT.sub("", _read(name))) for name in PARTS)
        return _asset(squeeze_script("".join(scripts)).replace('"@style@"', style))

    @cached_property
    def digest(self) -> str:
        """Names this version of the chat."""
        return hashlib.sha256(self.chat.content).hexdigest()[:12]

    @cached_property
    def loader(self) -> Asset:
        """The script that a site embeds."""
        # The loader checks what it loads: the one hash in a page's script tag vouches for all of it.
        loader = _read(LOADER).replace("@digest@", self.digest).replace("@integrity@", self.chat.integrity)
        return _asset(squeeze_script(loader))


ASSETS = web.AppKey("widget_assets", WidgetAssets)


async def serve_loader(request: web.Request) -> web.StreamResponse:
    """Serve the script that a site embeds."""
    assets = await request.app[ASSETS].made()
    return _respond(request, assets.loader, _CHECK_SOON)


async def serve_chat(request: web.Request) -> web.StreamResponse:
    """Serve the chat; under another version's address it is today's, not to be kept."""
    assets = await request.app[ASSETS].made()
    current = request.match_info["digest"] == assets.digest
    return _respond(request, assets.chat, _FOREVER if current else "no-cache")


def _respond(request: web.Request, asset: Asset, caching: str) -> web.Response:
    headers = {
        "Cache-Control": caching,
        "ETag": asset.etag,
        "Vary": "Accept-Encoding",
        # Anybody may read it, which a page needs to check its hash.
        "Access-Control-Allow-Origin": "*",
        "Cross-Origin-Resource-Policy": "cross-origin",
        "X-Content-Type-Options": "nosniff",
    }
    if any(f'"{etag.value}"' == asset.etag for etag in request.if_none_match or ()):
        return web.Response(status=304, headers=headers)
    encoding, body = _encoded(asset, request.headers.get("Accept-Encoding", ""))
    if encoding:
        headers["Content-Encoding"] = encoding
    return web.Response(body=body, headers=headers, content_type="text/javascript", charset="utf-8")


def _encoded(asset: Asset, accepted: str) -> tuple[str, bytes]:
    """Return the smallest form that the browser takes, with its encoding's name (RFC 9110, 12.5.3)."""
    offers = (offer.partition(";") for offer in accepted.lower().split(","))
    taken = {name.strip() for name, _, weight in offers if not _NEVER.fullmatch(weight)}
    return next((form for form in asset.compressed if form[0] in taken), ("", asset.content))


def _read(name: str) -> str:
    return files("adapters.web").joinpath("static", name).read_text(encoding="utf-8")


def _asset(text: str) -> Asset:
    content = text.encode()
    digest = hashlib.sha384(content).digest()
    return Asset(
        content=content,
        compressed=(("br", brotli.compress(content)), ("gzip", gzip.compress(content, 9, mtime=0))),
        etag=f'"{digest.hex()[:32]}"',
        integrity=f"sha384-{base64.b64encode(digest).decode()}",
    )
