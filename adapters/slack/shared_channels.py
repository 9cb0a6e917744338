"""Customers in channels shared with their company: a message offers a ticket, its thread is the chat [R7].

Nobody there is ever staff to the desk. What they write in a thread that has a ticket goes to that ticket.
"""

from __future__ import annotations

from dataclasses import replace

import structlog

from adapters.slack import modals, mrkdwn
from adapters.slack.api import SlackApi, message_metadata
from adapters.slack.block_limits import MAX_OPTION, cut, marked, plain, section
from adapters.slack.buttons import Buttons
from adapters.slack.contacts import survey_problems
from adapters.slack.customer_messages import CustomerMessages
from adapters.slack.find_post import find_post
from adapters.slack.maintenance_notes import maintenance_notes
from adapters.slack.memory import NAME, Memory
from adapters.slack.modals import Subject
from adapters.slack.payload import Block, Payload, part, parts, text
from adapters.slack.people import People
from adapters.slack.shared_threads import SharedThread, SharedThreads
from adapters.slack.tell import Teller
from adapters.slack.thread_files import ThreadFiles
from adapters.slack.threads import SAID, moment
from adapters.slack.turns import Turns
from chatdesk.config import Config, StaffChannel
from chatdesk.conversation import ConversationId
from chatdesk.desk import Desk
from chatdesk.errors import DeliveryError, DeliveryRefused, EventRefused
from chatdesk.events import SurveySubmitted
from chatdesk.ports import Clock
from chatdesk.ticket import format_number

OPEN, ADD, NO = "shared_open", "shared_add", "shared_no"
SURVEY = "shared_survey"
BEGUN = "begun"
"""What is noted of an offer before it is posted."""
log = structlog.get_logger(__name__)


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
        files: ThreadFiles,
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
        self._threads = SharedThreads(memory)
        self._messages = CustomerMessages(api, memory, people, desk, files, teller, self._turns)

    async def on_message(self, team: str, event: Payload) -> None:
        """Offer a ticket for a message of a customer, or pass it on where its thread has one."""
        channel, ts, user = text(event, "channel"), text(event, "ts"), text(event, "user")
        # A channel that is not listed belongs to nobody: no other client's is guessed.
        if channel not in self._channel.customers or text(event, "subtype") not in SAID:
            return
        if text(event, "bot_id") or not await self._messages.is_customer(user):
            return
        thread = text(event, "thread_ts")
        if not thread or thread == ts:
            await self._offer(channel, ts, user)
            return
        known = await self._threads.at(channel, thread)
        if known is not None:
            await self._messages.pass_on(team, event, known, moment(ts))

    async def on_press(self, body: Payload) -> None:
        """Work on the offer's buttons."""
        action = next(iter(parts(body, "actions")), {})
        channel, user = text(body, "container", "channel_id"), text(body, "user", "id")
        offer, thread = text(body, "container", "message_ts"), text(action, "value")
        if channel not in self._channel.customers or not await self._messages.is_customer(user):
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
        thread = SharedThread.new(subject.channel, subject.thread)
        # Noted first: what the desk answers is sent as soon as the ticket is there.
        await self._threads.keep(thread)
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
        opened = replace(thread, ticket=outcome.ticket or 0)
        await self._settle(opened, subject, f"Ticket {self._name(opened.ticket)} is open.")
        await self._pass_on_thread(text(body, "team", "id"), opened)
        return None

    async def _offer(self, channel: str, ts: str, user: str) -> None:
        """Offer a ticket in the message's thread, once."""
        key = f"offer:{channel}:{ts}"
        async with self._turns.of(key):
            noted = await self._memory.get(key)
            if noted not in (None, BEGUN):
                return
            offer = None
            if noted == BEGUN:
                # Whether it was posted the last time is not known.
                offer = await find_post(self._api, channel, ts, key, moment(ts))
            else:
                await self._memory.put(key, BEGUN)
            await self._memory.put(key, offer or await self._post_offer(channel, ts, user, key))

    async def _post_offer(self, channel: str, ts: str, user: str, key: str) -> str:
        last = await self._threads.last(channel, user)
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
            blocks=[
                section(marked(words)),
                *maintenance_notes(self._config, self._clock()),
                {"type": "actions", "block_id": "offer", "elements": buttons},
            ],
            metadata=message_metadata("post", delivery=key),
        )
        return text(answer, "ts")

    async def _survey(self, subject: Subject) -> Block:
        company = self._config.company(self._channel.customers[subject.channel])
        person = await self._people.person(subject.extra["user"])
        words = await self._messages.words(await self._messages.first(subject.channel, subject.thread))
        known = {"name": person.name, "company": company.name if company else "", "issue": words}
        notes = maintenance_notes(self._config, self._clock())
        return modals.survey(
            self._config.survey, SURVEY, "New ticket", "Create ticket", subject, known, notes
        )

    async def _add(self, team: str, subject: Subject) -> None:
        """Let the message's thread be one more of the ticket that the customer had last."""
        channel, user = subject.channel, subject.extra["user"]
        last = await self._threads.last(channel, user)
        if last is None:
            raise EventRefused("There is no ticket to add this to.")
        before = await self._threads.of(last.conversation) or last
        added = replace(last, thread=subject.thread)
        first = await self._messages.first(channel, subject.thread)
        # Noted first: what the desk answers belongs here.
        await self._threads.keep(added)
        try:
            await self._messages.hand_over(team, first, added, self._clock())
        except (EventRefused, DeliveryRefused) as refused:
            await self._threads.move_back(added, before)
            raise EventRefused(f"Not added: {refused}") from refused
        await self._settle(added, subject, f"Added to {self._name(added.ticket)}.")
        await self._pass_on_thread(team, added)

    async def _pass_on_thread(self, team: str, thread: SharedThread) -> None:
        """Pass on what customers had written in the thread before it had a ticket.

        The words of the first message are on the ticket; its files may not be.
        """
        try:
            written = await self._messages.written(thread.channel, thread.thread)
        except DeliveryRefused as refused:
            log.warning("slack_thread_not_read", ticket=thread.ticket, error=str(refused))
            return
        for message in written:
            is_first = text(message, "ts") == thread.thread
            if not is_first or parts(message, "files"):
                rest = {**message, "text": ""} if is_first else message
                await self._messages.pass_on(team, rest, thread, self._clock())

    async def _settle(self, thread: SharedThread, subject: Subject, words: str) -> None:
        """Remember the thread as the customer's latest, and let the offer say what became of it."""
        await self._threads.keep(thread)
        await self._threads.keep_last(subject.extra.get("user", ""), thread)
        shown = [section(plain(words))]
        try:
            await self._api.write(
                "chat.update", channel=thread.channel, ts=subject.extra["offer"], text=words, blocks=shown
            )
        except DeliveryError:
            # The ticket is open all the same, and the desk's own answer follows.
            return

    def _name(self, number: int) -> str:
        return format_number(self._config.desk.ticket_prefix, number)


def _button(action: str, label: str, value: str) -> Block:
    return {"type": "button", "action_id": action, "text": plain(cut(label, MAX_OPTION), 75), "value": value}
