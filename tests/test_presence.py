"""Whether a customer has a page open, on any node, and how they are answered when not [R15, R25]."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest

from adapters.web.presence import VISITOR_FACT, has_left, is_online
from adapters.web.services import Sockets
from chatdesk.conversation import ConversationId
from chatdesk.shared_facts import SharedFacts
from tests.desk_builders import VISITOR, conversation
from tests.running_desk import ServedDesk, serving
from tests.web_people import Technician, signed_in, visitor

PATIENCE = 10.0


class Page:
    """A live connection."""

    def close(self, code: int, reason: bytes) -> None: ...


@pytest.mark.parametrize(
    ("here", "elsewhere", "online"),
    [(True, False, True), (False, True, True), (True, True, True), (False, False, False)],
    ids=["here", "on another node", "on both", "nowhere"],
)
def test_a_customer_is_there_while_any_node_has_their_page(here: bool, elsewhere: bool, online: bool) -> None:
    sockets, facts = Sockets(), SharedFacts()
    if here:
        sockets.add(VISITOR, Page())
    if elsewhere:
        facts.hear("other", {VISITOR_FACT + VISITOR: "1"})
    assert is_online(sockets, facts, VISITOR) is online
    assert has_left(sockets, facts, conversation()) is not online


@pytest.mark.parametrize("channel", ["slack", "teams", "email", "form"])
def test_who_came_by_another_channel_is_never_known_to_have_left(channel: str) -> None:
    assert not has_left(Sockets(), SharedFacts(), conversation(channel=channel))


def test_a_conversation_without_a_browser_has_nobody_there() -> None:
    assert has_left(Sockets(), SharedFacts(), conversation(visitor=""))


@pytest.fixture(name="desk")
async def _desk() -> AsyncIterator[ServedDesk]:
    async with serving() as served:
        yield served


@pytest.fixture(name="priya")
async def _priya(desk: ServedDesk) -> AsyncIterator[Technician]:
    async with signed_in(desk, "Priya Nair") as technician:
        yield technician


async def test_who_closes_the_page_in_a_chat_gets_the_answers_by_mail(
    desk: ServedDesk, priya: Technician
) -> None:
    services = desk.running.services
    left = asyncio.Event()
    async with visitor(desk) as gone:
        chat = await services.staff_reads.conversation(ConversationId(gone.conversation))
        assert chat is not None
        assert chat.ticket is not None
        await priya.take(f"HD-{chat.ticket}")
        await priya.say(chat.id, "Please restart Outlook.")
        services.sockets.on_change(lambda owner: left.set() if owner == chat.visitor else None)
    await asyncio.wait_for(left.wait(), PATIENCE)
    await priya.say(chat.id, "Or call me at 555-0100.")
    file = await services.staff_reads.ticket_file(chat.ticket)
    assert file is not None
    payloads = [note.delivery.payload for note in file.deliveries]
    assert [told["text"] for told in payloads if told.get("mail") == "comment"] == ["Or call me at 555-0100."]
