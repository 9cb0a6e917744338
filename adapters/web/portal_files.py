"""Files that a customer sends with a comment: kept before the comment names them [threat 20]."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import ExitStack

from aiohttp import web

from adapters.web.file_routes import CHUNK
from adapters.web.services import SERVICES
from chatdesk.conversation import ConversationId, FileRef
from chatdesk.errors import EventRefused

FIELD = "files"
MOST = 10
"""Files of one comment."""


def sent_files(form: Sequence[object]) -> list[web.FileField]:
    """Return the files among what a form's field holds; a field that nothing was chosen for has none."""
    return [field for field in form if isinstance(field, web.FileField) and field.filename]


async def keep(
    request: web.Request, sent: Sequence[web.FileField], conversation: ConversationId, owner: str
) -> tuple[FileRef, ...]:
    """Keep the files in the conversation and return what its message shows.

    Raises EventRefused, as chatdesk.files.Files.keep does, and for too many at once; StorageError.
    """
    services, kept = request.app[SERVICES], list[FileRef]()
    with ExitStack() as opened:
        for file in sent:
            _ = opened.enter_context(file.file)
        if len(sent) > MOST:
            raise EventRefused(f"Please send at most {MOST} files at once.", code="too_many", field=FIELD)
        for file in sent:
            content = _counted(request, file)
            ref = await services.files.keep(
                conversation, owner, file.filename, content, services.clock(), by_visitor=True
            )
            kept.append(ref)
    return tuple(kept)


async def _counted(request: web.Request, file: web.FileField) -> AsyncIterator[bytes]:
    """Pass on the file's bytes, which lie on the disk already, and count them."""
    services = request.app[SERVICES]
    while chunk := await asyncio.to_thread(file.file.read, CHUNK):
        services.gate.pass_upload(request.remote, len(chunk), services.clock())
        yield chunk
