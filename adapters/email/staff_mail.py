"""A technician's mail: a public answer, or an internal note that no customer may ever read [R37, R38]."""

from __future__ import annotations

import re
from collections.abc import Sequence

from adapters.email import CHANNEL
from adapters.email.attaching import Attaching
from adapters.email.parsed import ParsedMail
from chatdesk.conversation import Visibility, speaking_in
from chatdesk.desk import Desk
from chatdesk.events import AgentMessaged, Outcome
from chatdesk.mail_address import compared
from chatdesk.ports import Clock
from chatdesk.reading import StaffReads
from chatdesk.staff import AgentAccount, Staff
from chatdesk.ticket import TicketNumber

_MARK = re.compile(r"^(?:\[[^\]\n]*\]|[^\w/>\n\[])*//[^\S\n]*", re.M)
"""What makes a mail a note. White space of every kind, bullets, asterisks and [pictures] may stand before it:
mail programs put them there."""


def is_note(text: str) -> bool:
    """Tell whether a technician's mail is internal: any line of it that is not quoted begins with //.

    Many write below what they quote, so that the mark is not at the beginning. A public answer that is taken
    for a note can be repeated; a note that was sent to the customer cannot be taken back.
    """
    return _MARK.search(text) is not None


def note_text(text: str) -> str:
    """Return what a note says, without its first mark."""
    return _MARK.sub("", text, count=1).strip()


class StaffMail:
    """Posts what technicians mail."""

    def __init__(
        self, desk: Desk, reads: StaffReads, staff: Staff, attaching: Attaching, clock: Clock
    ) -> None:
        self._desk = desk
        self._reads = reads
        self._staff = staff
        self._attaching = attaching
        self._clock = clock

    async def account(self, sender: str) -> AgentAccount | None:
        """Return the technician whose address that is."""
        accounts = await self._staff.accounts()
        return next((one for one in accounts if compared(one.email) == compared(sender)), None)

    async def post(
        self,
        ticket: TicketNumber,
        account: AgentAccount,
        parsed: ParsedMail,
        contents: Sequence[bytes],
        external_id: str,
        doubt: str = "",
    ) -> Outcome | None:
        """Post the mail as the technician's; None when the ticket has no conversation.

        With a ``doubt``, words that say why it may not be theirs, it is a note whatever it says, and ends
        with them [threat 33]. Raises EventRefused, StorageError, DeskStopped.
        """
        file = await self._reads.ticket_file(ticket)
        chat = speaking_in(file.conversations) if file else None
        if chat is None:
            return None
        internal = bool(doubt) or is_note(parsed.text)
        files, text = await self._attaching.attach(chat.id, account.id, parsed, contents, internal=internal)
        if internal:
            text = f"{note_text(text)}\n\n{doubt}".strip()
        event = AgentMessaged(
            at=self._clock(),
            channel=CHANNEL,
            external_id=external_id,
            conversation=chat.id,
            agent=account.agent,
            text=text,
            files=files,
            visibility=Visibility.INTERNAL if internal else Visibility.PUBLIC,
        )
        return await self._desk.receive(event)
