"""A mail's attachments and pictures as files of its conversation; what is not taken is named in the text."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence

from adapters.email.parsed import Attachment, ParsedMail
from chatdesk.conversation import ConversationId, FileRef
from chatdesk.errors import EventRefused
from chatdesk.files import Files
from chatdesk.inbox import InboundMail
from chatdesk.ports import Clock
from chatdesk.reading import StaffReads
from chatdesk.sender import same_speaker, visitor_of
from chatdesk.ticket import TicketNumber

PIECE = 256 * 1024
TINY_PICTURE = 1_500
"""Bytes: smaller pictures inside the text are tracking pixels and lines of a signature."""


class Attaching:
    """Keeps attachments with the desk's files."""

    def __init__(self, files: Files, reads: StaffReads, clock: Clock) -> None:
        self._files = files
        self._reads = reads
        self._clock = clock

    async def attach_for(
        self,
        ticket: TicketNumber | None,
        mail: InboundMail,
        parsed: ParsedMail,
        contents: Sequence[bytes],
    ) -> tuple[tuple[FileRef, ...], str]:
        """Keep the files in the sender's conversation on the ticket, or the one that the mail begins."""
        visitor = visitor_of(parsed.sender)
        conversation = ConversationId(mail.id)
        file = await self._reads.ticket_file(ticket) if ticket is not None else None
        if file is not None:
            by_mail = (c for c in file.conversations if c.channel == "email")
            own = (c.id for c in by_mail if same_speaker(c.visitor, visitor))
            conversation = next(own, conversation)
        return await self.attach(conversation, visitor, parsed, contents)

    async def attach(
        self,
        conversation: ConversationId,
        owner: str,
        parsed: ParsedMail,
        contents: Sequence[bytes],
        *,
        internal: bool = False,
    ) -> tuple[tuple[FileRef, ...], str]:
        """Keep the files and return them with the mail's text, which names those that were not taken."""
        kept: list[FileRef] = []
        refused = list(parsed.left_out)
        for part, content in zip(parsed.attachments, contents, strict=True):
            if _is_decoration(part):
                continue
            try:
                at = self._clock()
                ref = await self._files.keep(
                    conversation, owner, part.name, _pieces(content), at, internal=internal
                )
            except EventRefused as refusal:
                refused.append(f"{part.name} ({refusal})")
            else:
                kept.append(ref)
        text = parsed.text
        if refused:
            listed = "\n".join(f"- {name}" for name in refused[:50])
            text = f"{text}\n\nNot attached here, but kept with the original mail:\n{listed}".strip("\n")
        return tuple(kept), text


def _is_decoration(part: Attachment) -> bool:
    return bool(part.cid) and part.media_type.startswith("image/") and part.size < TINY_PICTURE


async def _pieces(content: bytes) -> AsyncIterator[bytes]:
    for start in range(0, len(content), PIECE):
        yield content[start : start + PIECE]
