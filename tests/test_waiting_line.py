"""The line of waiting customers: places are those that counting everybody gives, whatever came and went."""

from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatdesk.config import QueueOrder
from chatdesk.conversation import ConversationId
from chatdesk.situation import QueueEntry, queue_key
from chatdesk.ticket import Priority
from chatdesk.waiting_line import WaitingLine
from tests.desk_builders import TUESDAY

_ENTRIES = st.builds(
    QueueEntry,
    st.sampled_from([ConversationId(name) for name in "abcdef"]),
    st.integers(0, 3).map(lambda seconds: TUESDAY + timedelta(seconds=seconds)),
    st.sampled_from(Priority),
)
_STEPS = st.lists(st.tuples(st.sampled_from(["join", "leave"]), _ENTRIES), max_size=30)


def counted(order: QueueOrder, waiting: dict[ConversationId, QueueEntry], mine: QueueEntry) -> int:
    keys = {name: queue_key(order, entry.since, entry.priority) for name, entry in waiting.items()}
    own = queue_key(order, mine.since, mine.priority)
    return 1 + sum(key <= own for name, key in keys.items() if name != mine.conversation)


@pytest.mark.property
@given(st.sampled_from(QueueOrder), _STEPS, _ENTRIES)
def test_a_place_is_one_more_than_all_who_come_before(
    order: QueueOrder, steps: list[tuple[str, QueueEntry]], mine: QueueEntry
) -> None:
    line, waiting = WaitingLine(), dict[ConversationId, QueueEntry]()
    for step, entry in steps:
        for entries in (line, waiting):
            if step == "join":
                entries[entry.conversation] = entry
            else:
                entries.pop(entry.conversation, None)
        assert line.place(order, mine) == counted(order, waiting, mine)
    assert dict(line) == waiting


@pytest.mark.property
@given(st.sampled_from(QueueOrder), _STEPS, _STEPS, _ENTRIES)
def test_what_is_taken_back_leaves_the_line_as_it_was_kept(
    order: QueueOrder,
    kept: list[tuple[str, QueueEntry]],
    undone: list[tuple[str, QueueEntry]],
    mine: QueueEntry,
) -> None:
    line = WaitingLine()
    follow(line, kept)
    line.keep()
    waiting, place = dict(line), line.place(order, mine)
    follow(line, undone)
    line.take_back()
    line.take_back()
    assert (dict(line), line.place(order, mine)) == (waiting, place)


def follow(line: WaitingLine, steps: list[tuple[str, QueueEntry]]) -> None:
    for step, entry in steps:
        if step == "join":
            line[entry.conversation] = entry
        else:
            line.pop(entry.conversation, None)
