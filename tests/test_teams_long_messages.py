"""A message that goes to Teams in several pieces is edited and taken back as a whole."""

from __future__ import annotations

import pytest

from chatdesk.outbox import DeliveryStatus
from tests.fake_connector.connector import Failure
from tests.fake_connector.running import DANA, MARCUS, TeamsDesk, teams_desk
from tests.test_teams_desk import messages
from tests.test_teams_faults import delivery_states, live_chat

LETTER = "\u044f"
LONG = f"First {LETTER * 4000} last"
"""Letters that take six bytes each in what is sent: two pieces."""


def parts(desk: TeamsDesk) -> list[str]:
    """Return what Dana reads of messages with many such letters, or of their ends."""
    texts = desk.connector.texts(DANA.chat)
    return [text for text in texts if any(word in text for word in (LETTER, "First", "last", "Short", "New"))]


async def edit(desk: TeamsDesk, activity: dict[str, object], text: str, stamp: str = "later") -> None:
    changed = {**activity, "type": "messageUpdate", "text": text, "timestamp": stamp}
    assert (await desk.call(changed))[0] == 200


async def delete(desk: TeamsDesk, activity: dict[str, object]) -> None:
    assert (await desk.call({**activity, "type": "messageDelete", "text": ""}))[0] == 200


async def test_a_long_message_is_taken_back_whole() -> None:
    async with teams_desk() as desk:
        thread = await live_chat(desk)
        wrote = await desk.mention(MARCUS, LONG, thread)
        await desk.last_text(DANA.chat, "last")
        await delete(desk, wrote)
        await desk.connector.until(lambda: not parts(desk))


async def test_a_deletion_that_was_cut_off_is_repeated_to_the_end() -> None:
    async with teams_desk() as desk:
        thread = await live_chat(desk)
        wrote = await desk.mention(MARCUS, LONG, thread)
        await desk.last_text(DANA.chat, "last")
        desk.connector.failures.append(Failure(keep=True))
        await delete(desk, wrote)
        await desk.connector.until(lambda: not parts(desk))
        await desk.mention(MARCUS, "New words", thread)
        await desk.last_text(DANA.chat, "New words")
        assert DeliveryStatus.FAILED not in await delivery_states(desk)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (LONG, "Short"),
        (LONG, f"New {LETTER * 4000} ending"),
        ("Short", LONG),
        ("Short", f"New {LETTER * 8000} ending"),
    ],
)
async def test_a_customer_reads_the_whole_of_an_edited_message_and_nothing_else(
    before: str, after: str
) -> None:
    async with teams_desk() as desk:
        thread = await live_chat(desk)
        wrote = await desk.mention(MARCUS, before, thread)
        await desk.last_text(DANA.chat, before[-5:])
        await edit(desk, wrote, after)
        await desk.connector.until(lambda: "".join(parts(desk)) == f"Marcus Bell: {after}")
        await edit(desk, wrote, "Short again", "later still")
        await desk.connector.until(lambda: parts(desk) == ["Marcus Bell: Short again"])


async def test_a_piece_that_an_edit_adds_is_never_sent_twice() -> None:
    async with teams_desk() as desk:
        thread = await live_chat(desk)
        wrote = await desk.mention(MARCUS, "Short", thread)
        await desk.last_text(DANA.chat, "Short")
        cut: list[Failure] = []

        def cut_the_post(conversation: str) -> float:
            if desk.connector.calls[-1] == f"POST {DANA.chat}" and not cut:
                cut.append(Failure(keep=True))
                desk.connector.failures.extend(cut)
            return 0.0

        desk.connector.latency = cut_the_post
        await edit(desk, wrote, LONG, "later still")
        await desk.last_text(DANA.chat, "last")
        await desk.mention(MARCUS, "New end", thread)
        await desk.last_text(DANA.chat, "New end")
        assert sum(text.endswith("last") for text in parts(desk)) == 1
        assert (await delivery_states(desk))[DeliveryStatus.UNKNOWN] == 1
        assert any(message.text == LONG for message in await messages(desk))
