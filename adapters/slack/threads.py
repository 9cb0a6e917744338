"""What is written in a ticket's thread: to the customer from who answers the chat, else an internal note."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

from adapters.slack import mrkdwn
from adapters.slack.memory import NAME, Memory, Place, Post
from adapters.slack.merged_chats import PART_OF
from adapters.slack.payload import Payload, part, text
from adapters.slack.people import People
from adapters.slack.receipts import Receipts
from adapters.slack.sequencer import Sequencer
from adapters.slack.tell import Teller
from adapters.slack.thread_files import ThreadFiles
from adapters.slack.turns import Turns
from chatdesk.conversation import Agent, Conversation, ConversationId, Live, Visibility, Waiting
from chatdesk.errors import DeliveryRefused, EventRefused
from chatdesk.events import AgentMessaged, MessageDeleted, MessageEdited
from chatdesk.note_mark import is_note, without_note_mark
from chatdesk.reading import StaffReads, followed
from chatdesk.ticket import TicketNumber, format_number
from chatdesk.tiers import UNDER_TIER_CARD

SAID = frozenset({"", "file_share", "thread_broadcast"})
"""Subtypes of a message that is somebody's own words."""
KEPT = "Kept as an internal note: the customer waits in the chat and has not read it. Press Take to answer."


class Threads:
    """Turns messages in tickets' threads, and their changes, into events."""

    def __init__(
        self,
        memory: Memory,
        reads: StaffReads,
        people: People,
        sequencer: Sequencer,
        files: ThreadFiles,
        receipts: Receipts,
        teller: Teller,
        prefix: str,
    ) -> None:
        self._memory = memory
        self._reads = reads
        self._people = people
        self._sequencer = sequencer
        self._files = files
        self._receipts = receipts
        self._teller = teller
        self._prefix = prefix
        self._turns = Turns()

    async def on_message(self, team: str, event: Payload) -> bool:
        """Work on a message event; False when it is not about a ticket's thread."""
        changed = text(event, "deleted_ts") or text(event, "message", "ts")
        async with self._turns.of(f"{text(event, 'channel')}:{changed or text(event, 'ts')}"):
            return await self._on_message(team, event)

    async def _on_message(self, team: str, event: Payload) -> bool:
        subtype = text(event, "subtype")
        if subtype == "message_changed":
            return await self._changed(team, event)
        if subtype == "message_deleted":
            return await self._deleted(team, event)
        if subtype not in SAID or text(event, "bot_id"):
            return False
        return await self._said(team, text(event, "channel"), event)

    async def _said(self, team: str, channel: str, message: Payload) -> bool:
        thread = text(message, "thread_ts")
        number = await self._memory.ticket_at(channel, thread) if thread else None
        if number is None:
            return await self._said_under_tier_card(channel, message)
        if thread == text(message, "ts"):
            return True
        agent = await self._people.note_author(text(message, "user"))
        if agent is None:
            return True
        known = await self._memory.said(channel, text(message, "ts"))
        if known is not None:
            # Heard of before, edited before, or taken back before it was heard of.
            return True
        try:
            await self._take_down(team, channel, message, agent, number)
        except (EventRefused, DeliveryRefused) as refused:
            words = f"Not passed on: {refused}"
            await self._teller.tell(channel, text(message, "user"), words, thread)
        return True

    async def _said_under_tier_card(self, channel: str, message: Payload) -> bool:
        """Tell a technician that it is passed on to nobody; False where there is no such card."""
        thread, user = text(message, "thread_ts"), text(message, "user")
        number = await self._memory.ticket_on(channel, thread) if thread else None
        if number is not None and await self._people.agent(user) is not None:
            words = UNDER_TIER_CARD.format(number=format_number(self._prefix, number))
            await self._teller.tell(channel, user, words, thread)
        return number is not None

    async def _take_down(
        self, team: str, channel: str, message: Payload, agent: Agent, number: TicketNumber
    ) -> None:
        conversation = await self._conversation(await self._memory.place(number), number)
        written = await self._words(message)
        internal = is_note(written) or not _answers(agent, conversation)
        words = without_note_mark(written)
        ts, at = text(message, "ts"), moment(text(message, "ts"))
        files = await self._files.fetch(message, conversation.id, agent.id, at, internal=internal)
        if not words and not files:
            return
        event = AgentMessaged(
            at=at,
            channel=NAME,
            external_id=f"{team}:{channel}:{ts}",
            conversation=conversation.id,
            agent=agent,
            text=words,
            files=files,
            visibility=Visibility.INTERNAL if internal else Visibility.PUBLIC,
        )
        outcome = await self._sequencer.receive(text(message, "thread_ts"), ts, event)
        edited = text(message, "edited", "ts")
        post = Post(channel, ts, conversation.id, outcome.seq, edited, internal)
        await self._memory.keep_said(post)
        if not internal:
            self._receipts.relayed(post)
        elif isinstance(conversation.state, Waiting) and not is_note(written):
            await self._say_kept(channel, message)

    async def _say_kept(self, channel: str, message: Payload) -> None:
        """Tell a technician who may believe that they have answered somebody who waits."""
        if await self._people.agent(text(message, "user")) is not None:
            await self._teller.tell(channel, text(message, "user"), KEPT, text(message, "thread_ts"))

    async def _changed(self, team: str, event: Payload) -> bool:
        """Pass an edit on. Slack reports unfurls and replies the same way: those change no words."""
        channel, message = text(event, "channel"), part(event, "message")
        edited = text(message, "edited", "ts")
        if text(message, "bot_id") or not edited or text(message, "subtype") not in SAID:
            return False
        post = await self._memory.said(channel, text(message, "ts"))
        if post is None:
            # The edit overtook its message, and brings all of it along.
            return await self._said(team, channel, message)
        if post.gone or edited <= post.edited:
            return True
        if text(message, "text") != text(event, "previous_message", "text"):
            try:
                await self._edit(team, post, message, edited)
            except EventRefused as refused:
                words = f"The change was not passed on: {refused}"
                await self._teller.tell(channel, text(message, "user"), words, text(message, "thread_ts"))
        return True

    async def _edit(self, team: str, post: Post, message: Payload, edited: str) -> None:
        agent = await self._people.note_author(text(message, "user"))
        if agent is None:
            return
        words = await self._words(message)
        if is_note(words) and not post.internal:
            raise EventRefused("the customer has read this message; delete it and write the note anew.")
        event = MessageEdited(
            at=moment(edited),
            channel=NAME,
            external_id=f"{team}:{post.channel}:{post.ts}:edit:{edited}",
            conversation=ConversationId(post.conversation),
            by=agent.author,
            seq=post.seq,
            text=without_note_mark(words),
        )
        await self._sequencer.receive(text(message, "thread_ts"), edited, event)
        await self._memory.keep_said(replace(post, edited=edited))

    async def _deleted(self, team: str, event: Payload) -> bool:
        channel, ts = text(event, "channel"), text(event, "deleted_ts")
        previous = part(event, "previous_message")
        post = await self._memory.said(channel, ts)
        if post is None:
            thread = text(previous, "thread_ts")
            if not thread or await self._memory.ticket_at(channel, thread) is None:
                return False
            await self._memory.keep_said(Post(channel, ts, gone=True))
            return True
        if not post.gone:
            try:
                await self._delete(team, post, event)
            except EventRefused as refused:
                words = f"The deletion was not passed on: {refused}"
                await self._teller.tell(channel, text(previous, "user"), words, text(previous, "thread_ts"))
        return True

    async def _delete(self, team: str, post: Post, event: Payload) -> None:
        previous = part(event, "previous_message")
        agent = await self._people.note_author(text(previous, "user"))
        if agent is None:
            return
        deleted = MessageDeleted(
            at=moment(text(event, "event_ts") or text(event, "ts") or post.ts),
            channel=NAME,
            external_id=f"{team}:{post.channel}:{post.ts}:delete",
            conversation=ConversationId(post.conversation),
            by=agent.author,
            seq=post.seq,
        )
        await self._sequencer.receive(text(previous, "thread_ts"), text(event, "event_ts"), deleted)
        await self._memory.keep_said(replace(post, gone=True))

    async def _words(self, message: Payload) -> str:
        names = await self._people.names(mrkdwn.mentioned(text(message, "text")))
        return mrkdwn.read(message, names)

    async def _conversation(self, place: Place | None, number: TicketNumber) -> Conversation:
        into = await followed(self._reads, number) if place and not place.conversation else None
        if into is not None:
            here, there = (format_number(self._prefix, one) for one in (number, into.number))
            raise EventRefused(PART_OF.format(number=here, into=there), code="merged")
        found = await self._reads.conversation(ConversationId(place.conversation)) if place else None
        if found is None:
            raise EventRefused("The ticket's conversation was not found.", code="not_found")
        return found


def moment(ts: str) -> datetime:
    """Return a Slack ts, seconds since 1970 with a fraction, as a moment in UTC."""
    return datetime.fromtimestamp(float(ts or "0"), UTC)


def _answers(agent: Agent, conversation: Conversation) -> bool:
    """Tell whether what the technician writes goes to the customer: they took the chat or joined it."""
    return isinstance(conversation.state, Live) and agent.id in conversation.state.agents
