"""A commit that takes effect while its answer is lost: who sent and who listens are told all the same."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from chatdesk import desk as desk_module
from chatdesk.changes import Changes
from chatdesk.errors import DatabaseUnavailable
from storage.batch import TortoiseBatch
from storage.store import TortoiseStore
from tests.asking import number
from tests.core_builders import message, new_desk, running, survey, url
from tests.fake_store import FakeStore
from tests.running_desk import ANSWERS, ServedDesk, customer, serving, technician
from tests.test_nodes import start_chat, text

LOST = DatabaseUnavailable("The connection broke.")


@pytest.fixture
def lost(monkeypatch: pytest.MonkeyPatch) -> list[Exception]:
    """What the next batches raise when they have been committed."""
    answers: list[Exception] = []
    opened = TortoiseStore.batch

    @asynccontextmanager
    async def batch(store: TortoiseStore, *, remembered: bool = False) -> AsyncIterator[TortoiseBatch]:
        async with opened(store, remembered=remembered) as found:
            yield found
        if answers and not found.changes.empty:
            raise answers.pop()

    monkeypatch.setattr(TortoiseStore, "batch", batch)
    return answers


@pytest.fixture
async def served(tmp_path: Path) -> AsyncIterator[ServedDesk]:
    async with serving(data=tmp_path, address=url(tmp_path, "postgres")) as desk:
        yield desk


async def test_what_a_batch_without_an_answer_has_committed_is_told_as_found() -> None:
    store, told = FakeStore(), list[Changes]()
    async with running(new_desk(store)) as desk:
        desk.on_commit(told.append)
        store.fail_after_commit = [LOST]
        assert (await desk.receive(survey())).repeated
        await desk.receive(message())
        # A repetition by itself leaves nothing in doubt.
        await desk.receive(message(key="again"))
        await desk.receive(message(key="again"))
    assert [changes.recovered for changes in told] == [True, False, False, False]


async def test_it_is_also_found_when_the_sender_was_told_to_try_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(desk_module, "PATIENCE", -1.0)
    store, told = FakeStore(), list[Changes]()
    async with running(new_desk(store)) as desk:
        desk.on_commit(told.append)
        store.fail_after_commit = [LOST, LOST]
        with pytest.raises(DatabaseUnavailable):
            await desk.receive(survey(key="s"))
        assert (await desk.receive(survey(key="s"))).repeated
    assert [changes.recovered for changes in told] == [True]


async def test_what_was_not_committed_is_told_as_ever() -> None:
    store, told = FakeStore(), list[Changes]()
    async with running(new_desk(store)) as desk:
        desk.on_commit(told.append)
        store.fail_on_write = [LOST]
        assert not (await desk.receive(survey())).repeated
    assert [changes.recovered for changes in told] == [False]


@pytest.mark.postgres
async def test_a_technician_hears_of_a_message_whose_commit_was_not_answered(
    served: ServedDesk, lost: list[Exception]
) -> None:
    async with customer(served.base) as page, technician(served.base, await served.sign_in()) as console:
        chat = await start_chat(page)
        await console.send(t="watch", conversation=chat["conversation"], after=0)
        await console.next("ready")
        lost.append(LOST)
        await page.send(t="message", id="c1", text="Is anybody there?")
        await page.next("ack")
        await text(console, "Is anybody there?")
    assert not lost


@pytest.mark.postgres
async def test_staff_and_the_relay_hear_of_a_survey_whose_commit_was_not_answered(
    served: ServedDesk, lost: list[Exception]
) -> None:
    async with customer(served.base) as page, technician(served.base, await served.sign_in()) as console:
        await console.send(t="watch_desk")
        await console.send(t="ping")
        await console.next("pong")
        await page.next("ready")
        lost.append(LOST)
        await page.send(t="start", id=secrets.token_hex(8), answers=dict(ANSWERS))
        assert (await page.next("ready"))["state"]["phase"] == "waiting"
        await console.next("tickets")
        await console.next("queue")
        await mail_left(served)
    assert not lost


async def mail_left(served: ServedDesk) -> None:
    """Wait until the mail that tells the ticket's number has left."""
    query = "SELECT count(*) FROM delivery WHERE target = 'email' AND status = 'done'"
    async with asyncio.timeout(20):
        while not await number(served.running.database.url, query):  # noqa: ASYNC110 - nobody tells when
            await asyncio.sleep(0.05)
