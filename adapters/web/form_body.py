"""What a form sends: read in one place, where what cannot be read is the sender's mistake and told as one."""

from __future__ import annotations

import re
from collections.abc import Mapping

from aiohttp import web

from adapters.web.text import clean
from chatdesk.ports import NewId

UNREADABLE = "What was sent cannot be read. Go back to the page, reload it and send the form again."
_TOKEN = re.compile(r"[0-9a-v]{24,32}")
UNREADABLE_BODY = (LookupError, ValueError, RuntimeError, AssertionError, TypeError)
"""What the library raises for an unknown encoding, for bytes that are not in it, and for broken parts."""


def form_token(fields: Mapping[str, str], new_id: NewId) -> str:
    """Return the form's own token, by which a second press of its button is known; a fresh one without."""
    token = fields.get("token", "")
    return token if _TOKEN.fullmatch(token) else new_id()


async def read_form(request: web.Request) -> Mapping[str, str]:
    """Return the form's fields that are text, fit to be stored; of several with one name the first.

    Raises HTTPBadRequest for a body that cannot be read, HTTPRequestEntityTooLarge for one too long.
    """
    try:
        sent = await request.post()
    except UNREADABLE_BODY as error:
        raise web.HTTPBadRequest(text=UNREADABLE) from error
    fields: dict[str, str] = {}
    for name, value in sent.items():
        if isinstance(value, str):
            fields.setdefault(name, clean(value))
    return fields
