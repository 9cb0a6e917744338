"""A customer's search in the portal: by the words of the whole desk, and in their own newest tickets [R33].

A rare word is found wherever it is. Of a common one the newest of the whole desk may all be others': so what
stands first in their own list is read itself. What they see of either is what they see on a ticket's page.
"""

from __future__ import annotations

import asyncio
import re
from collections import defaultdict
from collections.abc import Mapping, Sequence

from msgspec import Struct

from chatdesk.conversation import AuthorKind, ConversationId, Message, Visibility
from chatdesk.mail_address import known_forms
from chatdesk.portal import PortalCustomer
from chatdesk.portal_reading import PortalFound, PortalMatches
from chatdesk.search import Found, excerpt, holds, words
from chatdesk.sender import commenter_of, visitor_of
from chatdesk.ticket import TicketNumber
from storage.columns import Record
from storage.database import Database
from storage.portal_reading import TortoisePortalReads
from storage.portal_sight import Sight
from storage.search import Scope, TortoiseSearch, found_in

LISTED, SHOWN = 100, 50
"""How many of their newest open tickets, and past ones, are read; how many that were found are shown."""
AT_ONCE = 50
"""Texts that are looked through before others have the event loop."""
_NUMBER = re.compile(r"(?:[A-Za-z0-9]{1,10}-)?([0-9]{1,15})")
"""A ticket's number, with the desk's prefix or without."""
_TICKET = (
    "(LOWER(t.requester_email) IN (?, ?) "
    "OR t.number IN (SELECT COALESCE(known_as, ticket) FROM affected WHERE mailbox = ?) "
    "OR EXISTS (SELECT 1 FROM conversation k WHERE (k.ticket = t.number OR k.opened_with = t.number) "
    "AND (k.visitor IN (?, ?, ?, ?) OR (k.company_id = ? AND k.company_id <> ''))))"
)
_MESSAGE = (
    f"(m.visibility = '{Visibility.PUBLIC.value}' AND EXISTS "
    f"(SELECT 1 FROM ticket t WHERE t.number IN (c.ticket, c.opened_with) AND {_TICKET}))"
)
"""Narrows what the index finds to tickets of theirs. Which of their messages they read their sight says."""


class _Text(Struct, frozen=True):
    """A public message that holds the words, and which side said it."""

    found: Found
    author: AuthorKind


class TortoisePortalSearch:
    """Searches one database [chatdesk.portal_reading.PortalSearch]."""

    def __init__(self, database: Database) -> None:
        self._reads = TortoisePortalReads(database)
        self._texts = TortoiseSearch(database)

    async def find(self, customer: PortalCustomer, text: str) -> PortalMatches:
        wanted, number = words(text), _NUMBER.fullmatch(text.strip())
        if not wanted:
            return PortalMatches(())
        indexed = await self._texts.within(text, _scope(customer))
        near, all_listed = await self._reads.newest(customer, LISTED)
        far = {row["ticket"] for row in (*indexed.tickets, *indexed.messages)}
        sights = await self._reads.sights(customer, near | far)
        said, omitted = await self._reads.said([each for each in sights if each.final.number in near])
        texts = [*map(_said, said), *map(_indexed, indexed.messages)]
        holding = await _holding(texts, wanted)
        named = await self._reads.sight(customer, TicketNumber(int(number[1]))) if number else None
        first = [PortalFound(named.line)] if named else []
        others = [each for each in sights if not named or each.final.number != named.final.number]
        hits = (_hit(sight, holding, wanted) for sight in sorted(others, key=_place))
        found = (*first, *(hit for hit in hits if hit is not None))
        whole = indexed.all or (all_listed and not omitted)
        return PortalMatches(found[:SHOWN], cut=not whole or len(found) > SHOWN)


def _scope(customer: PortalCustomer) -> Scope:
    forms = known_forms(customer.address)
    either = forms[0], forms[-1]
    speakers = (*map(visitor_of, either), *map(commenter_of, either))
    return Scope(_TICKET, _MESSAGE, (*either, customer.mailbox, *speakers, customer.managed_company))


async def _holding(
    texts: Sequence[_Text], wanted: Sequence[str]
) -> Mapping[ConversationId | None, Sequence[_Text]]:
    """Return the texts that hold the words, by conversation."""
    holding = defaultdict[ConversationId | None, list[_Text]](list)
    for first in range(0, len(texts), AT_ONCE):
        for text in texts[first : first + AT_ONCE]:
            if holds(text.found.text, wanted):
                holding[text.found.conversation].append(text)
        await asyncio.sleep(0)
    return holding


def _hit(
    sight: Sight, holding: Mapping[ConversationId | None, Sequence[_Text]], wanted: Sequence[str]
) -> PortalFound | None:
    """Return what is found of a ticket: its subject, or else the newest of what they read in it."""
    line = sight.line
    if holds(line.ticket.subject, wanted):
        return PortalFound(line)
    own = (text.found for chat in sight.own for text in holding.get(chat.id, ()))
    told = (text for chat in sight.told for text in holding.get(chat.id, ()))
    read = [*own, *(text.found for text in told if text.author is AuthorKind.AGENT)]
    newest = max(read, key=lambda found: found.at, default=None)
    return PortalFound(line, excerpt(newest, wanted).marked) if newest else None


def _place(sight: Sight) -> tuple[bool, int]:
    return not sight.final.is_active, -sight.opened.number


def _said(message: Message) -> _Text:
    text = "" if message.deleted_at else message.text
    found = Found(None, message.conversation, message.seq, message.at, internal=False, text=text)
    return _Text(found, message.author.kind)


def _indexed(row: Record) -> _Text:
    return _Text(found_in(row), AuthorKind(row["author_kind"]))
