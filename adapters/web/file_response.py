"""A stored file as an answer: for saving, from an address where nothing in it can run [threat 19]."""

from __future__ import annotations

from urllib.parse import quote

from aiohttp import web

from chatdesk.files import StoredFile

SHOWABLE = frozenset({"image/png", "image/jpeg", "image/gif", "image/webp"})
"""Pictures made of pixels: the only files a page may show instead of saving."""
PLAIN = SHOWABLE | {"text/plain", "application/pdf", "application/zip"}
"""Types that are told to the browser; everything else is bytes to save."""


def file_response(file: StoredFile, *, inline: bool) -> web.StreamResponse:
    """Return the file's bytes; ``inline`` asks for a picture to be shown, which only SHOWABLE ones are."""
    kind = file.ref.media_type
    shown = inline and kind in SHOWABLE
    return web.FileResponse(
        file.path,
        headers={
            "Content-Type": kind if kind in PLAIN else "application/octet-stream",
            "Content-Disposition": disposition(file.ref.name, shown=shown),
            "X-Content-Type-Options": "nosniff",
            "Content-Security-Policy": "default-src 'none'; sandbox",
            "Cross-Origin-Resource-Policy": "same-origin",
            "Referrer-Policy": "no-referrer",
            # Kept by the browser alone, and asked for again each time: access may have ended.
            "Cache-Control": "private, no-cache",
        },
    )


def disposition(name: str, *, shown: bool = False) -> str:
    """Return a Content-Disposition for a cleaned name (RFC 6266): in ASCII, and whole beside it."""
    kind = "inline" if shown else "attachment"
    fallback = "".join(char if char.isascii() and char not in '"\\%' else "_" for char in name)
    return f"{kind}; filename=\"{fallback}\"; filename*=UTF-8''{quote(name, safe='')}"
