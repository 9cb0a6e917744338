"""Requests are answered in time, and each is worked on to the end: by this process or by the next."""

from __future__ import annotations

import asyncio
import stat
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from adapters.slack import gateway as module
from adapters.slack.gateway import Gateway
from adapters.slack.inbox import Inbox
from adapters.slack.payload import Payload
from chatdesk.errors import DeliveryDelayed, EventRefused, StorageError

BODY: Payload = {"type": "event_callback", "event": {"text": "Grüße 👋"}}


class Handler:
    """Does what the test wants, and remembers what it was given."""

    def __init__(self, *faults: Exception) -> None:
        self.faults = list(faults)
        self.seen: list[Payload] = []
        self.gate = asyncio.Event()
        self.gate.set()
        self.done = asyncio.Event()

    async def __call__(self, body: Payload) -> Payload | None:
        self.seen.append(body)
        await self.gate.wait()
        if self.faults:
            raise self.faults.pop(0)
        self.done.set()
        return {"text": "done"}


class WatchedInbox(Inbox):
    """Tells when a request was removed."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.emptied = asyncio.Event()

    async def remove(self, file: Path) -> None:
        await super().remove(file)
        self.emptied.set()


@pytest.fixture
def inbox(tmp_path: Path) -> WatchedInbox:
    return WatchedInbox(tmp_path / "inbox")


async def test_what_is_quick_is_answered_with_its_outcome_and_not_kept(inbox: WatchedInbox) -> None:
    gateway = Gateway(Handler(), inbox)
    assert await gateway.receive(BODY) == {"text": "done"}
    assert await inbox.left_over() == []


async def test_what_takes_long_is_kept_answered_and_forgotten_when_it_is_done(inbox: WatchedInbox) -> None:
    handler = Handler()
    handler.gate.clear()
    gateway = Gateway(handler, inbox, answer_within=0.01)
    assert await gateway.receive(BODY) is None
    ((file, body),) = await inbox.left_over()
    assert body == BODY
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    handler.gate.set()
    await handler.done.wait()
    await inbox.emptied.wait()
    assert await inbox.left_over() == []
    assert len(handler.seen) == 1
    await gateway.stop()


@pytest.mark.parametrize("fault", [StorageError("locked"), DeliveryDelayed("Slack does not say who it is")])
async def test_what_cannot_be_done_now_is_kept_and_tried_again(
    inbox: WatchedInbox, fault: Exception, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "TRY_AGAIN", 0.01)
    handler = Handler(fault, StorageError("still locked"))
    gateway = Gateway(handler, inbox)
    assert await gateway.receive(BODY) is None
    await handler.done.wait()
    assert handler.seen == [BODY, BODY, BODY]
    await inbox.emptied.wait()
    assert await inbox.left_over() == []
    await gateway.stop()


async def test_what_fails_for_another_reason_is_told_to_slack_which_sends_it_again(
    inbox: WatchedInbox,
) -> None:
    gateway = Gateway(Handler(EventRefused("no")), inbox)
    with pytest.raises(EventRefused):
        await gateway.receive(BODY)
    assert await inbox.left_over() == []


async def test_the_next_process_works_on_what_was_kept(inbox: WatchedInbox) -> None:
    stuck = Handler()
    stuck.gate.clear()
    first = Gateway(stuck, inbox, answer_within=0.01)
    await first.receive(BODY)
    await first.stop()
    assert len(await inbox.left_over()) == 1
    handler = Handler()
    second = Gateway(handler, inbox)
    await second.resume()
    await handler.done.wait()
    assert handler.seen == [BODY]
    await inbox.emptied.wait()
    assert await inbox.left_over() == []
    await second.stop()


async def test_what_was_kept_a_moment_ago_is_left_to_whoever_has_it_in_hand(inbox: WatchedInbox) -> None:
    handler = Handler()
    gateway = Gateway(handler, inbox)
    file = await inbox.keep(BODY)
    kept_at = datetime.fromtimestamp(file.stat().st_mtime, UTC)
    await gateway.resume(kept_at)
    assert handler.seen == []
    await gateway.resume(kept_at + timedelta(seconds=1))
    await handler.done.wait()
    await inbox.emptied.wait()
    assert await inbox.left_over() == []
    await gateway.stop()


async def test_a_file_that_cannot_be_read_keeps_no_other_from_being_worked_on(
    inbox: WatchedInbox, tmp_path: Path
) -> None:
    file = await inbox.keep(BODY)
    (tmp_path / "inbox" / "folder.json").mkdir()
    assert await inbox.left_over() == [(file, BODY)]


async def test_a_request_that_cannot_be_kept_is_not_acknowledged(tmp_path: Path) -> None:
    (tmp_path / "inbox").write_text("in the way")
    gateway = Gateway(Handler(StorageError("locked")), Inbox(tmp_path / "inbox"))
    with pytest.raises(OSError, match="exist"):
        await gateway.receive(BODY)


async def test_a_half_written_file_is_no_request(inbox: WatchedInbox, tmp_path: Path) -> None:
    file = await inbox.keep(BODY)
    (tmp_path / "inbox" / "broken.json").write_text('{"type": ')
    (tmp_path / "inbox" / "half.part").write_text("{}")
    assert await inbox.left_over() == [(file, BODY)]
