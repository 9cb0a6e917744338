"""Files that a customer sends with a form: kept before a message names them [threat 20]."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import ExitStack
from tempfile import SpooledTemporaryFile
from typing import IO

from aiohttp import BodyPartReader, web
from msgspec import Struct

from adapters.web.application import MAX_BODY
from adapters.web.file_routes import CHUNK
from adapters.web.form_body import UNREADABLE, UNREADABLE_BODY, read_form
from adapters.web.services import SERVICES
from adapters.web.text import clean
from chatdesk.conversation import ConversationId, FileRef
from chatdesk.errors import EventRefused

FIELD = "files"
MOST = 10
"""Files of one form."""
MOST_FIELDS = 200
HEARD_OUT = 4
"""How many times too long a form may be and still be read on, so that its sender reads the refusal."""
_IN_MEMORY = 512 * 1024
"""Bytes of a file above which it is put on the disk."""


class SentFile(Struct, frozen=True):
    """A file of a form, at its beginning; ``name`` is as the browser tells it."""

    name: str
    content: IO[bytes]


class SentForm(Struct, frozen=True):
    """A form: its fields, and its files, of which there are none when the whole was ``too_large``."""

    fields: Mapping[str, str]
    files: Sequence[SentFile] = ()
    too_large: bool = False


async def read_with_files(request: web.Request, most: int, opened: ExitStack | None) -> SentForm:
    """Return a form of at most so many bytes; ``opened`` closes its files, None passes over them.

    Of a longer one the fields are returned, so that nothing that was typed is lost. Raises HTTPBadRequest
    for a body that cannot be read, HTTPRequestEntityTooLarge for fields too long.
    """
    if request.content_type != "multipart/form-data":
        return SentForm(await read_form(request))
    if (request.content_length or 0) > most:
        opened = None
    try:
        return await _read_parts(request, most, opened)
    except UNREADABLE_BODY as error:
        raise web.HTTPBadRequest(text=UNREADABLE) from error


async def _read_parts(request: web.Request, most: int, opened: ExitStack | None) -> SentForm:
    fields, files, left = dict[str, str](), list[SentFile](), MAX_BODY
    parts = await request.multipart()
    while request.content.total_bytes <= HEARD_OUT * most and (part := await parts.next()) is not None:
        if not isinstance(part, BodyPartReader) or part.name is None or len(fields) > MOST_FIELDS:
            raise ValueError("not a part of a form")
        if part.filename:
            content = await _read_file(request, part, most, opened)
            if content is not None:
                files.append(SentFile(part.filename, content))
        elif part.name != FIELD:
            text = await _read_text(part, left)
            left -= len(text)
            fields.setdefault(part.name, clean(text.decode(part.get_charset("utf-8"))))
    too_large = request.content.total_bytes > most
    return SentForm(fields, () if too_large else files, too_large)


async def _read_file(
    request: web.Request, part: BodyPartReader, most: int, opened: ExitStack | None
) -> IO[bytes] | None:
    """Return what the part holds, None when it is passed over; what comes beyond the limits is not kept."""
    kept = None
    if opened is not None and part.name == FIELD:
        # It is closed with the others, when the form has been dealt with.
        kept = opened.enter_context(SpooledTemporaryFile(_IN_MEMORY))  # noqa: SIM115
    while chunk := await part.read_chunk(CHUNK):
        sofar = request.content.total_bytes
        if sofar > HEARD_OUT * most:
            break
        if kept is not None and sofar <= most:
            _ = await asyncio.to_thread(kept.write, chunk)
    if kept is not None:
        _ = await asyncio.to_thread(kept.seek, 0)
    return kept


async def _read_text(part: BodyPartReader, most: int) -> bytes:
    read = bytearray()
    while chunk := await part.read_chunk(CHUNK):
        read += chunk
        if len(read) > most:
            raise web.HTTPRequestEntityTooLarge(most)
    return bytes(read)


async def keep(
    request: web.Request, sent: SentForm, conversation: ConversationId, owner: str
) -> tuple[FileRef, ...]:
    """Keep the form's files in the conversation and return what its message shows.

    Raises EventRefused, as chatdesk.files.Files.keep does, and for too many at once; StorageError.
    """
    services, kept = request.app[SERVICES], list[FileRef]()
    if sent.too_large:
        text = f"These files are too large: at most {largest(request)} can be sent at once."
        raise EventRefused(text, code="too_large", field=FIELD)
    if len(sent.files) > MOST:
        raise EventRefused(f"Please send at most {MOST} files at once.", code="too_many", field=FIELD)
    for file in sent.files:
        content = _counted(request, file)
        ref = await services.files.keep(
            conversation, owner, file.name, content, services.clock(), by_visitor=True
        )
        kept.append(ref)
    return tuple(kept)


def largest(request: web.Request) -> str:
    """Return what the files of one form may have altogether, for people to read."""
    return f"{request.app[SERVICES].file_limits.size / 1024 / 1024:.3g} MB"


async def _counted(request: web.Request, file: SentFile) -> AsyncIterator[bytes]:
    """Pass on the file's bytes, which are here already, and count them."""
    services = request.app[SERVICES]
    while chunk := await asyncio.to_thread(file.content.read, CHUNK):
        services.gate.pass_upload(request.remote, len(chunk), services.clock())
        yield chunk
