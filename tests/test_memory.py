"""What a process remembers follows what other nodes tell, and never goes back."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from chatdesk.changes import Changes
from chatdesk.conversation import Conversation
from storage.announcements import WentOn
from storage.memory import Memory
from tests.desk_builders import CHAT, TICKET, TUESDAY, conversation, ticket


@pytest.fixture
def memory() -> Memory:
    """A memory of a conversation in its third version, and of its ticket."""
    memory = Memory()
    memory.keep(Changes(conversations={CHAT: conversation(version=3)}, tickets={TICKET: ticket()}))
    return memory


def told(version: int) -> WentOn:
    return WentOn(CHAT, version, 10 + version, TUESDAY, (0, 0, 0, 0), ())


def remembered(memory: Memory) -> Conversation | None:
    return memory.conversations.peek(CHAT)


def test_what_another_node_told_is_remembered(memory: Memory) -> None:
    expected = replace(conversation(), version=4, last_seq=14, changed_at=TUESDAY)
    assert memory.follow(told(4)) == expected
    assert remembered(memory) == expected


@pytest.mark.parametrize("version", [1, 2, 3])
def test_what_is_told_late_changes_nothing(memory: Memory, version: int) -> None:
    assert memory.follow(told(version)) is None
    assert remembered(memory) == conversation(version=3)


def test_what_is_remembered_is_forgotten_when_something_told_was_lost(memory: Memory) -> None:
    assert memory.follow(told(5)) is None
    assert remembered(memory) is None


def test_news_of_what_is_not_remembered_are_not_kept(memory: Memory) -> None:
    memory.forget([CHAT], [])
    assert memory.follow(told(4)) is None
    assert remembered(memory) is None


@pytest.mark.parametrize("version", [2, 3, 4])
def test_what_was_read_is_remembered_unless_it_is_older(memory: Memory, version: int) -> None:
    known, of_known = conversation(version=version, last_seq=9), ticket(version=version, subject="Another")
    before = memory.tickets.peek(TICKET)
    assert before is not None
    memory.learn([known], [of_known])
    assert (remembered(memory) == known) == (version > 3)
    assert (memory.tickets.peek(TICKET) == of_known) == (version > before.version)


def test_what_was_read_of_what_is_not_remembered_is_remembered(memory: Memory) -> None:
    memory.clear()
    memory.learn([conversation()], [ticket()])
    assert (remembered(memory), memory.tickets.peek(TICKET)) == (conversation(), ticket())


def test_what_another_node_changed_without_telling_how_is_forgotten(memory: Memory) -> None:
    memory.forget([CHAT], [TICKET])
    assert (remembered(memory), memory.tickets.peek(TICKET)) == (None, None)
