"""Customers in channels shared with their company: a message offers a ticket, its thread is the chat [R7].

Nobody there is ever staff to the desk. What they write in a thread that has a ticket goes to that ticket.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass

from adapters.slack import modals, mrkdwn
from adapters.slack.api import SlackApi, message_metadata
from adapters.slack.block_limits import MAX_OPTION, cut, marked, plain, section
from adapters.slack.buttons import Buttons
from adapters.slack.contacts import survey_problems
from adapters.slack.memory import NAME, Memory
from adapters.slack.modals import Subject
from adapters.slack.payload import Block, Payload, part, parts, text
from adapters.slack.people import People
from adapters.slack.tell import Teller
from adapters.slack.threads import SAID, moment
from adapters.slack.turns import Turns
from chatdesk.config import Config, StaffChannel
from chatdesk.conversation import ConversationId
from chatdesk.desk import Desk
from chatdesk.errors import DeliveryError, EventRefused
from chatdesk.events import CustomerMessaged, SurveySubmitted
from chatdesk.ports import Clock
from chatdesk.ticket import format_number

OPEN, ADD, NO = "shared_open", "shared_add", "shared_no"
SURVEY = "shared_survey"


@dataclass(frozen=True, slots=True)
class SharedThread:
    """A customer's thread and the conversation it is; ``visitor`` is the desk's name for who speaks there."""

    channel: str
    thread: str
    conversation: str
    visitor: str
    ticket: int = 0


class SharedChannels:
    """Works on what is written and pressed in channels shared with clients."""

    def __init__(
        self,
        config: Config,
        channel: StaffChannel,
        api: SlackApi,
        memory: Memory,
        people: People,
        desk: Desk,
        buttons: Buttons,
        teller: Teller,
        clock: Clock,
    ) -> None:
        self._config = config
        self._channel = channel
        self._api = api
        self._memory = memory
        self._people = people
        self._desk = desk
        self._buttons = buttons
        self._teller = teller
        self._clock = clock
        self._turns = Turns()

    async def on_message(self, team: str, event: Payload) -> None:
        """Offer a ticket for a message of a customer, or pass it on where its thread has one."""
        channel, ts, user = text(event, "channel"), text(event, "ts"), text(event, "user")
        # A channel that is not listed belongs to nobody: no other client's is guessed.
        if channel not in self._channel.customers or text(event, "subtype") not in SAID:
            return
        if text(event, "bot_id") or not await self._is_customer(user):
            return
        thread = text(event, "thread_ts")
        if not thread or thread == ts:
            await self._offer(channel, ts, user)
            return
        known = await self._thread(channel, thread)
        if known is not None:
            await self._pass_on(team, event, known)

    async def on_press(self, body: Payload) -> None:
        """Work on the offer's buttons."""
        action = next(iter(parts(body, "actions")), {})
        channel, user = text(body, "container", "channel_id"), text(body, "user", "id")
        offer, thread = text(body, "container", "message_ts"), text(action, "value")
        if channel not in self._channel.customers or not await self._is_customer(user):
            return
        subject = Subject(channel=channel, thread=thread, extra={"offer": offer, "user": user})
        try:
            match text(action, "action_id"):
                case "shared_open":
                    await self._buttons.open(text(body, "trigger_id"), await self._survey(subject))
                case "shared_add":
                    await self._add(text(body, "team", "id"), subject)
                case "shared_no":
                    await self._api.write("chat.delete", channel=channel, ts=offer)
        except EventRefused as refused:
            await self._teller.tell(channel, user, str(refused), thread)

    async def on_submit(self, body: Payload) -> Payload | None:
        """Open the ticket that the survey describes; None for another's dialog."""
        view = part(body, "view")
        subject = Subject.read(view)
        if text(view, "callback_id") != SURVEY or subject.channel not in self._channel.customers:
            return None
        thread = self._new_thread(subject)
        # Noted first: what the desk answers is sent as soon as the ticket is there.
        await self._keep(thread)
        event = SurveySubmitted(
            at=self._clock(),
            channel=NAME,
            external_id=f"view:{text(view, 'id')}",
            conversation=ConversationId(thread.conversation),
            visitor=thread.visitor,
            widget="",
            company=self._channel.customers[subject.channel],
            answers=tuple(modals.answers(view).items()),
        )
        try:
            outcome = await self._desk.receive(event)
        except EventRefused as refused:
            return survey_problems(view, refused)
        opened = SharedThread(**{**asdict(thread), "ticket": outcome.ticket or 0})
        await self._settle(opened, subject, f"Ticket {self._name(opened.ticket)} is open.")
        return None

    async def _offer(self, channel: str, ts: str, user: str) -> None:
        """Offer a ticket in the message's thread, once."""
        key = f"offer:{channel}:{ts}"
        async with self._turns.of(key):
            if await self._memory.get(key) is None:
                await self._memory.put(key, await self._post_offer(channel, ts, user, key))

    async def _post_offer(self, channel: str, ts: str, user: str, key: str) -> str:
        last = _read(await self._memory.get(f"shared-last:{channel}:{user}"))
        buttons = [_button(OPEN, "Create ticket", ts)]
        if last is not None and last.ticket:
            buttons.append(_button(ADD, f"Add to {self._name(last.ticket)}", ts))
        buttons.append(_button(NO, "No", ts))
        words = f"Shall {mrkdwn.literal(self._config.desk.name)} look into this?"
        answer = await self._api.write(
            "chat.postMessage",
            channel=channel,
            thread_ts=ts,
            text=words,
            blocks=[section(marked(words)), {"type": "actions", "block_id": "offer", "elements": buttons}],
            metadata=message_metadata("post", delivery=key),
        )
        return text(answer, "ts")

    async def _survey(self, subject: Subject) -> Block:
        company = self._config.company(self._channel.customers[subject.channel])
        person = await self._people.person(subject.extra["user"])
        words = await self._first_words(subject)
        known = {"name": person.name, "company": company.name if company else "", "issue": words}
        return modals.survey(self._config.survey, SURVEY, "New ticket", "Create ticket", subject, known)

    async def _add(self, team: str, subject: Subject) -> None:
        """Let the message's thread be one more of the ticket that the customer had last."""
        channel, user = subject.channel, subject.extra["user"]
        last = _read(await self._memory.get(f"shared-last:{channel}:{user}"))
        if last is None:
            raise EventRefused("There is no ticket to add this to.")
        added = SharedThread(channel, subject.thread, last.conversation, last.visitor, last.ticket)
        await self._keep(added)
        event = CustomerMessaged(
            at=self._clock(),
            channel=NAME,
            external_id=f"{team}:{channel}:{subject.thread}",
            conversation=ConversationId(last.conversation),
            visitor=last.visitor,
            text=await self._first_words(subject),
        )
        await self._desk.receive(event)
        await self._settle(added, subject, f"Added to {self._name(added.ticket)}.")

    async def _pass_on(self, team: str, event: Payload, known: SharedThread) -> None:
        channel, ts = text(event, "channel"), text(event, "ts")
        names = await self._people.names(mrkdwn.mentioned(text(event, "text")))
        said = CustomerMessaged(
            at=moment(ts),
            channel=NAME,
            external_id=f"{team}:{channel}:{ts}",
            conversation=ConversationId(known.conversation),
            visitor=known.visitor,
            text=mrkdwn.read(event, names),
        )
        try:
            await self._desk.receive(said)
        except EventRefused as refused:
            await self._teller.tell(channel, text(event, "user"), str(refused), known.thread)

    async def _settle(self, thread: SharedThread, subject: Subject, words: str) -> None:
        """Remember the thread as the customer's latest, and let the offer say what became of it."""
        await self._keep(thread)
        user = subject.extra.get("user", "")
        await self._memory.put(f"shared-last:{thread.channel}:{user}", json.dumps(asdict(thread)))
        shown = [section(plain(words))]
        try:
            await self._api.write(
                "chat.update", channel=thread.channel, ts=subject.extra["offer"], text=words, blocks=shown
            )
        except DeliveryError:
            # The ticket is open all the same, and the desk's own answer follows.
            return

    async def _first_words(self, subject: Subject) -> str:
        """Return what the thread's first message says."""
        query: dict[str, str | int] = {"channel": subject.channel, "ts": subject.thread, "limit": 1}
        answer = await self._api.read("conversations.replies", **query)
        first = next(iter(parts(answer, "messages")), {})
        names = await self._people.names(mrkdwn.mentioned(text(first, "text")))
        return mrkdwn.read(first, names)

    async def _is_customer(self, user: str) -> bool:
        person = await self._people.person(user)
        return person.is_person and await self._people.agent(user) is None

    def _new_thread(self, subject: Subject) -> SharedThread:
        """Return the thread with ids that a repeated request gets again."""
        place = f"{NAME}:{subject.channel}:{subject.thread}"
        identity = hashlib.sha256(place.encode()).hexdigest()[:32]
        return SharedThread(subject.channel, subject.thread, identity, place)

    async def _keep(self, thread: SharedThread) -> None:
        kept = json.dumps(asdict(thread))
        await self._memory.put(f"shared-thread:{thread.channel}:{thread.thread}", kept)
        await self._memory.put(f"shared:{thread.conversation}", kept)

    async def _thread(self, channel: str, thread: str) -> SharedThread | None:
        return _read(await self._memory.get(f"shared-thread:{channel}:{thread}"))

    def _name(self, number: int) -> str:
        return format_number(self._config.desk.ticket_prefix, number)


async def shared_thread(memory: Memory, conversation: str) -> SharedThread | None:
    """Return the customer's thread in which the conversation is held now."""
    return _read(await memory.get(f"shared:{conversation}"))


def _read(kept: str | None) -> SharedThread | None:
    return SharedThread(**json.loads(kept)) if kept else None


def _button(action: str, label: str, value: str) -> Block:
    return {"type": "button", "action_id": action, "text": plain(cut(label, MAX_OPTION), 75), "value": value}
