"""The way out to Teams: cards, messages in their threads, and messages to customers in their own chats.

Teams has no way to ask what a bot has sent. An attempt that was cut off is therefore only repeated where that
is harmless (an edit that adds nothing), or where the adapter had noted that it arrived; otherwise it is
unknown.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial

import structlog

from adapters.teams import message_text
from adapters.teams.card_parts import card_message, digest, text_message
from adapters.teams.connector_pipeline import NotThere
from adapters.teams.file_links import file_lines
from adapters.teams.gateway import Place
from adapters.teams.memory import Posted, TicketCard
from adapters.teams.merged_chats import note_ended, thread_of
from adapters.teams.people import VISITOR
from adapters.teams.services import CHANNEL, PROVIDER, TeamsServices
from adapters.teams.ticket_card import CardFacts, kept_fresh, summary, ticket_card
from adapters.teams.ticket_facts import facts_of_file, read_file, read_message
from adapters.teams.tier_cards import message_of, show_tier_cards
from chatdesk.conversation import Message
from chatdesk.errors import DeliveryRefused, DeliveryUnknown, NotFound
from chatdesk.outbox import Delivery, DeliveryKind
from chatdesk.plain_text import shortened
from chatdesk.reading import TicketFile
from chatdesk.routing import TO_CUSTOMER, TO_STAFF
from chatdesk.staff_news import MAX_WORDS, news_since, tell_each
from chatdesk.ticket import TicketNumber

NOTHING = "nothing to send"
"""The id of a delivery that had become needless."""

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class _Task:
    """A message's delivery with what it names, all there."""

    delivery: Delivery
    side: str
    message: Message


class TeamsChannel:
    """Carries deliveries to Microsoft Teams [chatdesk.ports.Channel]."""

    name = CHANNEL

    def __init__(self, services: TeamsServices) -> None:
        self._services = services
        self._memory = services.memory
        self._gateway = services.gateway

    async def send(self, delivery: Delivery) -> str:
        """Send it and return the activity's id; raises as the port says."""
        try:
            if delivery.kind is DeliveryKind.TICKET:
                return await self._ticket(delivery)
            task = await self._task(delivery)
            if delivery.kind is DeliveryKind.REVISION:
                return await self._revise(task)
            return await self._post(task)
        except NotFound as error:
            raise DeliveryRefused(str(error)) from error

    async def find(self, delivery: Delivery) -> str | None:
        """Return the id if the adapter noted that it arrived; None where a repetition does no harm."""
        noted = await self._memory.sent(delivery.id)
        if noted is not None:
            return noted
        if delivery.kind is DeliveryKind.REVISION and not await self._was_adding(await self._task(delivery)):
            return None
        if delivery.kind is DeliveryKind.TICKET and await self._card_of(delivery) is not None:
            return None
        raise DeliveryUnknown("Teams cannot be asked whether a message arrived; look into the conversation.")

    async def _was_adding(self, task: _Task) -> bool:
        """Tell whether the change was cut off while it added a piece."""
        message = task.message
        posted = await self._memory.posted(task.side, message.conversation, message.seq)
        adding = await self._memory.adding(task.delivery.id)
        return posted is not None and adding == len(posted.all)

    async def _card_of(self, delivery: Delivery) -> TicketCard | None:
        return await self._memory.card(delivery.ticket) if delivery.ticket is not None else None

    async def _task(self, delivery: Delivery) -> _Task:
        if delivery.conversation is None or delivery.seq is None:
            raise DeliveryRefused("The delivery names no message.")
        message = await read_message(self._services, delivery.conversation, delivery.seq)
        if message is None:
            raise DeliveryRefused("The message does not exist.")
        return _Task(delivery, str(delivery.payload.get("to") or TO_STAFF), message)

    async def _ticket(self, delivery: Delivery) -> str:
        if delivery.ticket is None:
            raise DeliveryRefused("The delivery names no ticket.")
        file = await read_file(self._services, delivery.ticket)
        await note_ended(self._services, file.conversations)
        refused = None
        try:
            card, facts = await self.show_card(file)
        except DeliveryRefused as error:
            known = await self._memory.card(delivery.ticket)
            if known is None:
                raise
            # Its channel may be closed to the bot: who is told of the ticket elsewhere is told all the same.
            refused, card, facts = error, known, await facts_of_file(self._services, file)
        await show_tier_cards(self._services, file, facts, card)
        await self._tell_news(file, facts, delivery.created_at)
        if refused is not None:
            raise refused
        await self._memory.keep_sent(delivery.id, card.activity)
        return f"{card.activity}/{delivery.id}"

    async def show_card(self, file: TicketFile) -> tuple[TicketCard, CardFacts]:
        """Post the ticket's card, or bring the one that stands there up to date."""
        facts = await facts_of_file(self._services, file)
        made = card_message(ticket_card(self._services.config, facts), summary(self._services.config, facts))
        shown, number = digest(made), file.ticket.number
        card = await self._memory.card(number)
        if card is None:
            channel = await self._channel(facts)
            thread, activity = await self._gateway.begin_thread(channel, made)
            root = thread.conversation
            activity = activity or message_of(root)
            card = TicketCard(channel.service_url, channel.conversation, root, activity, shown)
        elif card.shown == shown:
            return card, facts
        else:
            # Somebody may have deleted it in Teams; those who are told of the ticket are told all the same.
            with suppress(NotThere):
                await self._gateway.update(Place(card.service_url, card.thread), card.activity, made)
            card = replace(card, shown=shown)
        await self._memory.keep_card(number, card)
        return card, facts

    async def _channel(self, facts: CardFacts) -> Place:
        staff = self._services.config.staff.teams
        if staff is None:
            raise DeliveryRefused("[staff.teams] is not configured.")
        company = facts.conversation.company_id if facts.conversation else ""
        channel = staff.channel_for(company, facts.ticket.answers)
        known = await self._memory.service_of(channel)
        return Place(known or self._services.access.first_service_url, channel)

    async def _tell_news(self, file: TicketFile, facts: CardFacts, since: datetime) -> None:
        """Send technicians what has become of the ticket ``since`` then, with its card, each once.

        What a tier reads in its channel is not told to its people one by one.
        """
        services, number = self._services, file.ticket.number
        news = news_since(since, file, await services.staff.accounts(), services.config)
        if news is not None and not await self._memory.is_told_in_channel(number, news.key):
            await tell_each(news, number, self._memory, partial(self._tell, facts=facts, words=news.words))

    async def _tell(self, agent: str, facts: CardFacts, words: str) -> None:
        try:
            await self._send_directly(agent, facts, words)
        except DeliveryRefused as refused:
            log.warning("teams_technician_not_told", ticket=facts.ticket.number, error=str(refused))

    async def _send_directly(self, agent: str, facts: CardFacts, words: str) -> None:
        person = await self._services.identities.external_id(PROVIDER, agent)
        known = await self._memory.person(person) if person else None
        if person is None or known is None:
            return
        if not known.conversation:
            place = await self._gateway.begin_chat(known.service_url, known.id)
            known = replace(known, conversation=place.conversation)
            await self._memory.keep_person(person, known)
        config = self._services.config
        shown = kept_fresh(ticket_card(config, facts), facts.ticket.number, known.id)
        made = card_message(shown, f"For you: {summary(config, facts)}")
        said = text_message(shortened(words, MAX_WORDS))
        _ = await self._gateway.send(known.place, {**made, **said})

    async def _post(self, task: _Task) -> str:
        """Send the message in pieces, each once: what stands already is noted before the next is sent."""
        message = task.message
        if message.deleted_at is not None:
            return NOTHING
        place = await self._place(task)
        if place is None:
            return NOTHING
        posted = await self._memory.posted(task.side, message.conversation, message.seq)
        begun = len(posted.all) if posted else 0
        for piece in message_text.pieces(self._text(task))[begun:]:
            posted = await self._send_piece(task, place, posted, piece)
        if posted is None:
            return NOTHING
        await self._memory.keep_sent(task.delivery.id, posted.activity)
        return posted.activity

    async def _send_piece(self, task: _Task, place: Place, posted: Posted | None, piece: str) -> Posted:
        activity = await self._gateway.send(place, text_message(piece))
        if posted is None:
            posted = Posted(place.service_url, place.conversation, activity)
        else:
            posted = replace(posted, more=(*posted.more, activity))
        await self._keep_posted(task, posted)
        return posted

    async def _keep_posted(self, task: _Task, posted: Posted) -> None:
        message = task.message
        await self._memory.keep_posted(task.side, message.conversation, message.seq, posted)

    def _text(self, task: _Task) -> str:
        said = message_text.for_customer if task.side == TO_CUSTOMER else message_text.for_staff
        if task.message.deleted_at is not None:
            return said(task.message)
        return "\n".join([said(task.message), *file_lines(self._services, task.message)]).strip()

    async def _revise(self, task: _Task) -> str:
        """Change every activity of the message; those it needs no longer go, those it lacks are added."""
        message = task.message
        posted = await self._memory.posted(task.side, message.conversation, message.seq)
        if posted is None:
            return NOTHING
        pieces = [] if message.deleted_at is not None else message_text.pieces(self._text(task))
        for activity, piece in zip(posted.all, pieces, strict=False):
            await self._gateway.update(posted.place, activity, text_message(piece))
        for activity in posted.all[len(pieces) :]:
            await self._gateway.delete(posted.place, activity)
        if pieces and len(pieces) < len(posted.all):
            posted = replace(posted, more=posted.more[: len(pieces) - 1])
            await self._keep_posted(task, posted)
        for piece in pieces[len(posted.all) :]:
            # Unlike the rest of a change, this must not be repeated when it is cut off.
            await self._memory.keep_adding(task.delivery.id, len(posted.all))
            posted = await self._send_piece(task, posted.place, posted, piece)
        return posted.activity

    async def _place(self, task: _Task) -> Place | None:
        if task.side == TO_CUSTOMER:
            return await self._customers_place(task.message)
        conversation = await self._services.staff_reads.conversation(task.message.conversation)
        ticket = await thread_of(self._services, conversation) if conversation else task.delivery.ticket
        if ticket is None:
            raise DeliveryRefused("The message belongs to no ticket.")
        card = await self._card(ticket)
        return Place(card.service_url, card.thread)

    async def _card(self, ticket: TicketNumber) -> TicketCard:
        card = await self._memory.card(ticket)
        if card is None:
            card, _ = await self.show_card(await read_file(self._services, ticket))
        return card

    async def _customers_place(self, message: Message) -> Place | None:
        """Return the customer's chat; None for a copy that was split off, which staff alone have."""
        conversation = await self._services.staff_reads.conversation(message.conversation)
        visitor = conversation.visitor if conversation else ""
        if not visitor:
            return None
        known = await self._memory.person(visitor.removeprefix(VISITOR))
        if known is None:
            raise DeliveryRefused("The customer has no chat with the bot in Teams.")
        return known.place
