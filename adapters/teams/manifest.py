"""The app package that is uploaded to Teams: a zip with the manifest and two icons."""

from __future__ import annotations

import io
import json
import struct
import zipfile
import zlib
from collections.abc import Callable
from urllib.parse import urlsplit

from adapters.teams.extension import ADD, LOG
from adapters.teams.json_value import Document
from chatdesk.config import Config
from chatdesk.settings.teams_access import TeamsAccess

VERSION = "1.0.0"
SCHEMA_VERSION = "1.19"
COLOUR_SIZE, OUTLINE_SIZE = 192, 32
PERSONAL_COMMANDS = (
    ("queue", "Open tickets, due soonest first"),
    ("mine", "My tickets"),
    ("new", "Write down a call as a ticket"),
    ("status", "Your tickets, for customers"),
    ("help", "What the desk understands"),
)
READ_CHANNEL = "ChannelMessage.Read.Group"
"""Lets the bot see replies in the channel that do not mention it (resource-specific consent)."""


def app_package(config: Config, access: TeamsAccess) -> bytes:
    """Return the zip; it is the same for the same configuration."""
    files = {
        "manifest.json": json.dumps(manifest(config, access), indent=2, ensure_ascii=False).encode(),
        "color.png": _colour_icon(config.desk.colour),
        "outline.png": _outline_icon(),
    }
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0)), content)
    return packed.getvalue()


def manifest(config: Config, access: TeamsAccess) -> Document:
    """Return the manifest (schema 1.19)."""
    desk, base = config.desk, config.desk.public_url
    return {
        "$schema": (
            f"https://developer.microsoft.com/json-schemas/teams/v{SCHEMA_VERSION}/MicrosoftTeams.schema.json"
        ),
        "manifestVersion": SCHEMA_VERSION,
        "version": VERSION,
        "id": access.app_id,
        "developer": {
            "name": desk.name[:32],
            "websiteUrl": base,
            "privacyUrl": f"{base}/",
            "termsOfUseUrl": f"{base}/",
        },
        "name": {"short": desk.name[:30], "full": f"{desk.name} service desk"[:100]},
        "description": {
            "short": "Ask the service desk, or run it.",
            "full": "Customers ask the service desk and chat with a technician. Technicians take, answer and "
            "resolve tickets in their channel.",
        },
        "icons": {"color": "color.png", "outline": "outline.png"},
        "accentColor": desk.colour,
        "bots": [_bot(access)],
        "composeExtensions": [_extension(access)],
        "validDomains": [urlsplit(base).netloc] if base else [],
        "webApplicationInfo": {"id": access.app_id, "resource": base},
        "authorization": {
            "permissions": {
                "resourceSpecific": [{"name": READ_CHANNEL, "type": "Application"}],
            }
        },
    }


def _bot(access: TeamsAccess) -> Document:
    commands = [{"title": title, "description": text} for title, text in PERSONAL_COMMANDS]
    return {
        "botId": access.app_id,
        "scopes": ["personal", "team"],
        "supportsFiles": True,
        "isNotificationOnly": False,
        "commandLists": [{"scopes": ["personal"], "commands": commands}],
    }


def _extension(access: TeamsAccess) -> Document:
    on_messages: Document = {"type": "action", "context": ["message", "commandBox"], "fetchTask": True}
    return {
        "botId": access.app_id,
        "commands": [
            {
                "id": "searchTickets",
                "type": "query",
                "title": "Search tickets",
                "description": "Find a ticket by number, name, company or words",
                "initialRun": True,
                "context": ["compose", "commandBox"],
                "parameters": [{"name": "text", "title": "Ticket", "description": "Number or words"}],
            },
            {**on_messages, "id": LOG, "title": "Log as ticket", "description": "Make a ticket of a message"},
            {**on_messages, "id": ADD, "title": "Add to ticket", "description": "Add a message to a ticket"},
        ],
    }


def _colour_icon(colour: str) -> bytes:
    """A speech bubble on the desk's colour."""
    ground = bytes.fromhex(colour.removeprefix("#"))
    return _png(COLOUR_SIZE, lambda x, y: b"\xff\xff\xff\xff" if _bubble(x, y) else ground + b"\xff")


def _outline_icon() -> bytes:
    """A white speech bubble on nothing, as Teams wants it."""
    return _png(OUTLINE_SIZE, lambda x, y: b"\xff\xff\xff\xff" if _bubble(x, y) else b"\0\0\0\0")


def _bubble(x: float, y: float) -> bool:
    """Tell whether a point of the unit square is in the bubble: a rounded box with a tail."""
    left, top, right, bottom, radius = 0.2, 0.24, 0.8, 0.64, 0.1
    inner_x, inner_y = min(max(x, left + radius), right - radius), min(max(y, top + radius), bottom - radius)
    in_box = (x - inner_x) ** 2 + (y - inner_y) ** 2 <= radius**2
    in_tail = 0.3 <= x <= 0.46 and bottom - 0.01 <= y <= 0.8 and (y - bottom) <= (0.46 - x)
    return in_box or in_tail


def _png(size: int, pixel: Callable[[float, float], bytes]) -> bytes:
    """Return a square picture (PNG, RGBA); ``pixel`` gets the middle of each pixel in the unit square."""
    rows = (
        b"\0" + b"".join(pixel((x + 0.5) / size, (y + 0.5) / size) for x in range(size)) for y in range(size)
    )
    header = struct.pack(">IIBBBBB", size, size, 8, 6, 0, 0, 0)
    chunks = ((b"IHDR", header), (b"IDAT", zlib.compress(b"".join(rows), 9)), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(_chunk(kind, content) for kind, content in chunks)


def _chunk(kind: bytes, content: bytes) -> bytes:
    checksum = zlib.crc32(kind + content)
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", checksum)
