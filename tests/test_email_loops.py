"""Two desks that answer by themselves, and a naive program, mail each other for a day: no loop [R18]."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import SMTP, default
from typing import Any, cast

import pytest
from tortoise.context import TortoiseContext

from chatdesk import bootstrap
from chatdesk.inbox import InboundStatus
from storage import orm
from storage.inbox import TortoiseInbox
from tests.running_desk import ServedDesk, serving

START = datetime(2026, 9, 21, 14, 0, tzinfo=UTC)
STEP = timedelta(minutes=5)
DESK = """
[desk]
name = "Desk {0}"
email = "help@{0}.example"
[mail]
authserv = "mx.{0}.example"
[companies.one]
name = "One"
domains = ["{1}.example", "naive.example"]
"""


@dataclass
class Clock:
    """A clock that is set by hand."""

    now: datetime = START

    def __call__(self) -> datetime:
        return self.now


@dataclass
class World:
    """Everybody who gets mail, by domain; ``sent`` is all mail there was, by whom to whom."""

    clock: Clock
    desks: dict[str, ServedDesk] = field(default_factory=dict)
    sent: list[tuple[str, str, bytes]] = field(default_factory=list)
    naive_answers: int = 0

    async def deliver(self, message: bytes, sender: str, recipient: str, message_id: str) -> None:
        """Carry a mail to its recipient [adapters.email.outbound.Transport.deliver]."""
        self.sent.append((sender, recipient, message))
        await self.bring(message, recipient)

    def break_off(self) -> None:
        """Do nothing: what is handed over has arrived."""

    async def has(self, message_id: str) -> bool | None:
        """Say that every mail arrived."""
        return True

    async def bring(self, message: bytes, recipient: str) -> None:
        """Hand a mail to the desk it is for, vouched for, or to the naive program."""
        domain = recipient.rpartition("@")[2].partition(".")[0]
        if domain == "naive":
            await self._answer_naively(message, recipient)
            return
        vouched = f"Authentication-Results: mx.{domain}.example; dmarc=pass\r\n".encode()
        place = f"test:{len(self.sent)}:{self.naive_answers}"
        _ = await self.desks[domain].running.mail.intake.accept(vouched + message, place)

    async def _answer_naively(self, message: bytes, recipient: str) -> None:
        """Answer every mail at once, with nothing that says that a program did, as the worst ones do."""
        self.naive_answers += 1
        assert self.naive_answers < 500, "a loop"
        got = message_from_bytes(message, policy=default)
        answer = EmailMessage(policy=SMTP)
        answer["From"], answer["To"] = recipient, str(got["Reply-To"] or got["From"])
        answer["Subject"] = "Thank you for your mail"
        answer["Message-ID"] = f"<naive-{self.naive_answers}@naive.example>"
        answer.set_content(f"Your mail is important to us. Number {self.naive_answers}.")
        to = answer["To"].addresses[0].addr_spec
        if self.naive_answers % 2:
            # Half of them write to the plain address, as programs do that ignore Reply-To.
            to = got["From"].addresses[0].addr_spec
        await self.bring(bytes(answer), to)

    async def settle(self) -> None:
        """Wait until nobody has anything to do at this moment."""
        quiet = 0
        while quiet < 2:
            busy = False
            for desk in self.desks.values():
                desk.running.relay.wake()
                busy = busy or await self._is_busy(desk)
            quiet = 0 if busy else quiet + 1
            await asyncio.sleep(0)

    async def _is_busy(self, desk: ServedDesk) -> bool:
        database = desk.running.database
        place, moment = "?", cast("Any", self.clock.now.isoformat(" ", "microseconds"))
        if database.dialect == "postgres":
            place, moment = "$1", self.clock.now
        waiting = await database.reader.execute_query_dict(
            "SELECT (SELECT COUNT(*) FROM inbound_mail WHERE status = 'received') + (SELECT COUNT(*) "
            f"FROM delivery WHERE status = 'leased' OR (status = 'pending' AND due_at <= {place})) AS n",
            [moment],
        )
        return bool(waiting[0]["n"])

    async def let_a_day_pass(self) -> None:
        """Go through a day in small steps."""
        end = self.clock.now + timedelta(days=1)
        while self.clock.now < end:
            await self.settle()
            self.clock.now += STEP
        await self.settle()


@pytest.fixture
async def world(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[World]:
    clock = Clock()
    monkeypatch.setattr(bootstrap, "now", clock)
    init = TortoiseContext.init

    async def init_apart(self: TortoiseContext, **arguments: Any) -> None:
        # Two databases in one process: neither may be the one that is used where none is named.
        await init(self, **{**arguments, "_enable_global_fallback": False})

    monkeypatch.setattr(TortoiseContext, "init", init_apart)
    # Loaded before the databases are opened, each of them is the one that its own tasks mean.
    orm.load()
    made = World(clock)
    async with AsyncExitStack() as stack:
        for name, other in (("alpha", "beta"), ("beta", "alpha")):
            served = await stack.enter_async_context(serving(DESK.format(name, other), demo=False))
            served.running.mail.channel._transport = made
            made.desks[name] = served
        yield made


def first_mail(sender: str, to: str) -> bytes:
    """Return a mail that a person might have written."""
    message = EmailMessage(policy=SMTP)
    message["From"], message["To"], message["Subject"] = sender, to, "Hello"
    message["Message-ID"] = "<first@somewhere.example>"
    message.set_content("Please look into this.")
    return bytes(message)


@pytest.mark.slow
async def test_two_desks_that_answer_by_themselves_come_to_rest(world: World) -> None:
    await world.bring(first_mail("help@beta.example", "help@alpha.example"), "help@alpha.example")
    await world.let_a_day_pass()
    assert [(sender, recipient) for sender, recipient, _ in world.sent] == [
        ("help@alpha.example", "help@beta.example")
    ]
    beta = TortoiseInbox(world.desks["beta"].running.database, lambda: "unused")
    assert len(await beta.newest([InboundStatus.AUTOMATIC], 10)) == 1
    assert await beta.newest([InboundStatus.FILED], 10) == []


@pytest.mark.slow
async def test_a_program_that_answers_everything_gets_an_answer_an_hour_at_most(world: World) -> None:
    await world.bring(first_mail("robot@naive.example", "help@alpha.example"), "help@alpha.example")
    await world.let_a_day_pass()
    hours = 24
    assert 1 <= len(world.sent) <= hours
    assert world.naive_answers <= hours + 1
