"""Posts of the app's that several nodes of a desk change: each says what was last meant."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
import pytest

from adapters.slack.api import SlackApi
from adapters.slack.block_limits import plain, section
from adapters.slack.memory import Memory
from adapters.slack.shown_posts import ShownPosts
from chatdesk.bootstrap import now
from chatdesk.errors import DeliveryUnknown
from storage.adapter_notes import TortoiseAdapterNotes
from storage.database import Database
from tests.core_builders import url
from tests.fake_slack.server import FakeSlack
from tests.fake_slack.workspace import BOT_TOKEN, BOT_USER, Message
from tests.slack_desk import TRIAGE, new_workspace, shown


class Nodes:
    """Two nodes, a and b, and a card in Slack that node a has posted and that says "normal"."""

    def __init__(self, slack: FakeSlack, api: SlackApi, memory: Memory) -> None:
        self.slack = slack
        self.a, self.b = ShownPosts(api, memory, "a"), ShownPosts(api, memory, "b")
        blocks = [section(plain("normal"))]
        self.card: Message = slack.workspace.put(TRIAGE, BOT_USER, {"text": "A card", "blocks": blocks})
        self.a.remember(TRIAGE, self.card["ts"], blocks)

    async def change(self, node: ShownPosts, words: str) -> None:
        await node.change(TRIAGE, self.card["ts"], "A card", [section(plain(words))])

    @property
    def updates(self) -> int:
        return len(self.slack.calls("chat.update"))


@pytest.fixture
async def nodes(tmp_path: Path) -> AsyncIterator[Nodes]:
    slack = FakeSlack(new_workspace())
    async with (
        Database(url(tmp_path)) as database,
        slack.serve(),
        aiohttp.ClientSession() as session,
    ):
        memory = Memory(TortoiseAdapterNotes(database), now)
        yield Nodes(slack, SlackApi(BOT_TOKEN, slack.api_url, session), memory)


async def test_what_one_node_has_changed_another_changes_back(nodes: Nodes) -> None:
    await nodes.change(nodes.b, "high")
    await nodes.change(nodes.a, "normal")
    assert shown(nodes.card) == "normal"
    await nodes.change(nodes.b, "high")
    assert shown(nodes.card) == "high"


async def test_a_node_changes_nothing_that_it_was_the_last_to_write(nodes: Nodes) -> None:
    await nodes.change(nodes.a, "normal")
    assert nodes.updates == 0
    await nodes.change(nodes.b, "high")
    await nodes.change(nodes.b, "high")
    assert nodes.updates == 1


async def test_a_change_that_was_cut_off_is_made_again_whatever_the_node_had_written_before(
    nodes: Nodes,
) -> None:
    await nodes.change(nodes.b, "high")
    nodes.slack.fail("chat.update", "cut before")
    with pytest.raises(DeliveryUnknown):
        await nodes.change(nodes.a, "low")
    await nodes.change(nodes.a, "normal")
    assert shown(nodes.card) == "normal"
