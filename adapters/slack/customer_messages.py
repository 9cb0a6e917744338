"""What customers write in a shared channel goes to their ticket, files too, each thing once [R11, R21]."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from adapters.slack import mrkdwn
from adapters.slack.api import SlackApi
from adapters.slack.memory import NAME, Memory
from adapters.slack.payload import Payload, parts, text
from adapters.slack.people import People
from adapters.slack.shared_threads import SharedThread
from adapters.slack.tell import Teller
from adapters.slack.thread_files import ThreadFiles
from adapters.slack.threads import SAID
from adapters.slack.turns import Turns
from chatdesk.conversation import ConversationId
from chatdesk.desk import Desk
from chatdesk.errors import DeliveryRefused, EventRefused
from chatdesk.events import CustomerMessaged


@dataclass(frozen=True, slots=True)
class CustomerMessages:
    """Hands customers' messages to the desk."""

    api: SlackApi
    memory: Memory
    people: People
    desk: Desk
    files: ThreadFiles
    teller: Teller
    turns: Turns

    async def pass_on(self, team: str, message: Payload, known: SharedThread, at: datetime) -> None:
        """Hand the message over unless it was. Its author is told when it cannot be taken."""
        try:
            await self.hand_over(team, message, known, at)
        except (EventRefused, DeliveryRefused) as refused:
            words = f"Not passed on: {refused}"
            await self.teller.tell(known.channel, text(message, "user"), words, known.thread)

    async def hand_over(self, team: str, message: Payload, known: SharedThread, at: datetime) -> None:
        """Hand the message over unless it was. Raises EventRefused, or DeliveryRefused for its files."""
        ts = text(message, "ts")
        key = f"shared-said:{known.channel}:{ts}"
        async with self.turns.of(key):
            if await self.memory.get(key) is not None:
                return
            conversation = ConversationId(known.conversation)
            said = CustomerMessaged(
                at=at,
                channel=NAME,
                external_id=f"{team}:{known.channel}:{ts}",
                conversation=conversation,
                visitor=known.visitor,
                text=await self.words(message),
                files=await self.files.fetch(message, conversation, known.visitor, at, internal=False),
            )
            await self.desk.receive(said)
            await self.memory.put(key, known.conversation)

    async def written(self, channel: str, thread: str) -> list[Payload]:
        """Return what customers have written in the thread, oldest first, its first message included.

        Raises DeliveryDelayed or DeliveryRefused when Slack cannot be asked.
        """
        pages = self.api.pages("conversations.replies", channel=channel, ts=thread, limit=200)
        found = [message async for message in pages if text(message, "subtype") in SAID]
        said = [message for message in found if text(message, "user") and not text(message, "bot_id")]
        return [message for message in said if await self.is_customer(text(message, "user"))]

    async def first(self, channel: str, thread: str) -> Payload:
        """Return the thread's first message; raises as ``written``."""
        query: dict[str, str | int] = {"channel": channel, "ts": thread, "limit": 1}
        answer = await self.api.read("conversations.replies", **query)
        return next(iter(parts(answer, "messages")), {})

    async def words(self, message: Payload) -> str:
        """Return what the message says."""
        names = await self.people.names(mrkdwn.mentioned(text(message, "text")))
        return mrkdwn.read(message, names)

    async def is_customer(self, user: str) -> bool:
        """Tell whether the user is a person and none of the desk's technicians."""
        person = await self.people.person(user)
        return person.is_person and await self.people.agent(user) is None
