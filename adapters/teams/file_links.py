"""Files of the desk for people in Teams: signed addresses that end, given out in messages they may read."""

from __future__ import annotations

import hashlib
import hmac
from datetime import timedelta
from urllib.parse import quote

from aiohttp import web

from adapters.teams.services import TeamsServices
from chatdesk.conversation import Message

PATH = "/teams/files/{file}/{until}/{signature}"
LASTS = timedelta(days=7)


def file_lines(services: TeamsServices, message: Message) -> list[str]:
    """Return a line for each file of the message: its name, and where it can be fetched."""
    base = services.config.desk.public_url
    lines: list[str] = []
    for file in message.files:
        if base and services.secret:
            lines.append(f"{file.name}: {base}{_path(services, file.id)}")
        else:
            lines.append(f"[{file.name}]")
    return lines


async def serve_file(services: TeamsServices, request: web.Request) -> web.StreamResponse:
    """Answer with the file, for saving; a wrong or old address answers as a file that does not exist."""
    identity, until = request.match_info["file"], request.match_info["until"]
    given = request.match_info["signature"]
    good = given.isascii() and hmac.compare_digest(_signature(services, identity, until), given)
    if not (services.secret and good and int(until) > services.clock().timestamp()):
        raise web.HTTPNotFound
    found = await services.files.find(identity)
    if found is None:
        raise web.HTTPNotFound
    return web.FileResponse(
        found.path,
        headers={
            "Content-Type": "application/octet-stream",
            "Content-Disposition": f"attachment; filename*=UTF-8''{quote(found.ref.name, safe='')}",
            "X-Content-Type-Options": "nosniff",
            "Content-Security-Policy": "default-src 'none'; sandbox",
            "Referrer-Policy": "no-referrer",
            "Cache-Control": "private, no-store",
        },
    )


def _path(services: TeamsServices, file: str) -> str:
    # Rounded to the day, so that a message that is brought up to date keeps its addresses.
    day = services.clock().replace(hour=0, minute=0, second=0, microsecond=0)
    until = str(int((day + LASTS + timedelta(days=1)).timestamp()))
    return PATH.format(file=file, until=until, signature=_signature(services, file, until))


def _signature(services: TeamsServices, file: str, until: str) -> str:
    signed = f"teams-file:{file}:{until}".encode()
    return hmac.new(services.secret.encode(), signed, hashlib.sha256).hexdigest()
