"""Going on with a ticket from another browser: by a code that is mailed to its address [R19]."""

from __future__ import annotations

import re
import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from importlib.resources import files
from typing import Any

import pytest

from adapters.web import ticket_finding, visitor_finding
from chatdesk.ticket import TicketNumber
from tests.console_client import console
from tests.mail_builders import all_sent, read_back
from tests.running_desk import ANSWERS, Line, ServedDesk, customer, serving

DEMONSTRATION = files("chatdesk.settings").joinpath("demo_desk.toml").read_text(encoding="utf-8")
AT_ONCE = DEMONSTRATION.replace('gather = "3s"', 'gather = "0s"')
"""The demonstration without waiting for what could be told in the same mail."""
DANAS = {"ticket": "HD-1001", "email": "dana@contoso.example"}
FIRST = TicketNumber(1001)


@pytest.fixture
async def desk(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[ServedDesk]:
    """A desk with Dana's ticket, opened in a browser that she has no longer."""
    monkeypatch.setattr(visitor_finding, "ANSWERED", 0.0)
    async with serving(AT_ONCE) as served:
        async with customer(served.base) as line:
            await opened(line)
            await line.send(t="leave", id="leave")
            await line.next("ack")
        yield served


async def opened(line: Line, **answers: str) -> None:
    await line.next("ready")
    await line.send(t="start", id="survey", answers={**ANSWERS, **answers})
    await line.next("ack")
    await line.next("ready")


async def codes_mailed(desk: ServedDesk) -> list[str]:
    """Return the codes that were mailed, oldest first."""
    mails = [read_back(mail) for mail in reversed(await all_sent(desk))]
    mine = [mail.get_content() for mail in mails if "Your code for the chat" in mail["Subject"]]
    return [
        found[1]
        for text in mine
        if (found := re.search(r"in\s+the\s+chat\s+is\s+([A-Z2-7]{4}-[A-Z2-7]{4})\.", text))
    ]


@dataclass(slots=True)
class Browser:
    """A browser that knows nothing of Dana's chat."""

    desk: ServedDesk
    line: Line
    sent: int = 0

    async def find(self, **named: str) -> list[str]:
        """Ask for a code; return those that were mailed so far."""
        self.sent += 1
        await self.line.send(t="find", id=f"find-{self.sent}", **{**DANAS, **named})
        assert await self.line.next("ack") == {"t": "ack", "id": f"find-{self.sent}", "seq": 0}
        return await codes_mailed(self.desk)

    async def join(self, code: str, **named: str) -> dict[str, Any]:
        """Enter the code; return what the page shows then."""
        self.sent += 1
        await self.line.send(t="join", id=f"join-{self.sent}", **{**DANAS, **named}, code=code)
        await self.line.next("ack")
        return await self.line.next("ready")

    async def refused(self, code: str, **named: str) -> dict[str, Any]:
        """Enter a code that is not taken; return the error."""
        self.sent += 1
        await self.line.send(t="join", id=f"join-{self.sent}", **{**DANAS, **named}, code=code)
        return await error_of(self.line)


async def error_of(line: Line) -> dict[str, Any]:
    while True:
        received = await line.socket.receive_json()
        for frame in received if isinstance(received, list) else [received]:
            if frame["t"] == "error":
                return dict(frame)


@asynccontextmanager
async def browser(desk: ServedDesk, secret: str | None = None) -> AsyncIterator[Browser]:
    async with customer(desk.base, secret or secrets.token_urlsafe(32)) as line:
        assert (await line.next("ready"))["conversation"] is None
        yield Browser(desk, line)


async def test_who_enters_the_code_goes_on_with_the_ticket(desk: ServedDesk) -> None:
    async with browser(desk) as other:
        (code,) = await other.find()
        ready = await other.join(code)
        (greeting,) = ready["messages"]
        assert greeting["text"].startswith("This is HD-1001: It is slow\n")
        assert greeting["text"].endswith("\nWrite here to ask about it or to add to it.")
        assert ready["state"]["ticket"] == "HD-1001"
        await other.line.send(t="message", id="hello", text="It is still slow.")
        await other.line.next("ack")
    file = await desk.running.services.staff_reads.ticket_file(FIRST)
    assert file is not None
    assert len(file.conversations) == 2
    here = [m.text for m in file.messages if m.conversation == file.conversations[1].id]
    assert here[1] == "It is still slow."
    said = [(entry.what, entry.why) for entry in file.history]
    assert ("code mailed", "to go on with HD-1001 in the chat") in said
    assert ("back in the chat", "from another browser, with a code that was mailed") in said


async def test_the_browser_goes_on_there_when_it_comes_back(desk: ServedDesk) -> None:
    secret = secrets.token_urlsafe(32)
    async with browser(desk, secret) as other:
        joined = await other.join((await other.find())[0])
    async with customer(desk.base, secret) as line:
        assert (await line.next("ready"))["conversation"] == joined["conversation"]


async def test_what_was_said_in_the_other_browser_stays_there(desk: ServedDesk) -> None:
    async with browser(desk) as other:
        ready = await other.join((await other.find())[0])
        assert [message["from"] for message in ready["messages"]] == ["desk"]
        assert ready["known"] == {}


@pytest.mark.parametrize(
    "named",
    [
        {"ticket": "HD-1002"},
        {"ticket": "hello"},
        {"ticket": ""},
        {"email": "pat@contoso.example"},
        {"email": ""},
        {"email": "' OR 1=1 --"},
    ],
)
async def test_what_does_not_fit_is_answered_alike_and_nothing_is_mailed(
    desk: ServedDesk, named: dict[str, str]
) -> None:
    async with browser(desk) as other:
        assert await other.find(**named) == []
        wrong = await other.refused("AAAA-AAAA", **named)
        assert wrong == {**await other.refused("AAAA-AAAA"), "id": wrong["id"]}
        assert (wrong["code"], wrong["field"], wrong["message"]) == ("code", "code", ticket_finding.WRONG)


async def test_number_and_address_may_be_typed_as_people_type_them(desk: ServedDesk) -> None:
    async with browser(desk) as other:
        typed = {"ticket": " hd-1001 ", "email": " Dana@CONTOSO.example"}
        (code,) = await other.find(**typed)
        await other.join(code.lower(), **typed)


async def test_a_code_is_of_no_use_in_another_browser(desk: ServedDesk) -> None:
    async with browser(desk) as asked, browser(desk) as thief:
        (code,) = await asked.find()
        assert (await thief.refused(code))["code"] == "code"
        await asked.join(code)


async def test_a_request_that_is_repeated_mails_once(desk: ServedDesk) -> None:
    async with browser(desk) as other:
        for _ in range(3):
            await other.line.send(t="find", id="same", **DANAS)
            await other.line.next("ack")
        assert len(await codes_mailed(desk)) == 1


async def test_a_mailbox_is_not_flooded_and_nobody_is_told(desk: ServedDesk) -> None:
    for _ in range(4):
        async with browser(desk) as other:
            for _ in range(4):
                await other.find(email="dana+spam@contoso.example")
                await other.find()
    assert len(await codes_mailed(desk)) == 10


async def test_one_address_may_not_try_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(visitor_finding, "ANSWERED", 0.0)
    monkeypatch.setattr(ticket_finding, "party", lambda _: "198.51.100.7")
    async with serving() as served, browser(served) as other:
        for _ in range(30):
            assert (await other.refused("AAAA-AAAA"))["code"] == "code"
        await other.line.send(t="find", id="more", **DANAS)
        assert (await error_of(other.line))["code"] == "attempts"


async def test_a_chat_that_is_open_meanwhile_goes_on_instead(desk: ServedDesk) -> None:
    async with browser(desk) as other:
        (code,) = await other.find()
        await other.line.send(t="start", id="survey", answers=ANSWERS)
        await other.line.next("ack")
        opened = await other.line.next("ready")
        await other.line.send(t="join", id="join", **DANAS, code=code)
        await other.line.next("ack")
        await other.line.send(t="message", id="hello", text="Hi", conversation=opened["conversation"])
        await other.line.next("ack")
    file = await desk.running.services.staff_reads.ticket_file(FIRST)
    assert file is not None
    assert len(file.conversations) == 1


async def test_a_closed_ticket_says_so_and_is_opened_by_writing(desk: ServedDesk) -> None:
    async with console(desk) as marcus, browser(desk) as other:
        await marcus.does("/tickets/HD-1001/take")
        await marcus.does("/tickets/HD-1001/resolve", resolution="A new cable.")
        ready = await other.join((await other.find())[0])
        (greeting,) = ready["messages"]
        lines = greeting["text"].split("\n")
        assert lines[1:] == ["It is closed.", "Not solved? Write here and HD-1001 re-opens."]
        await other.line.send(t="message", id="hello", text="It is slow again.")
        await other.line.next("ack")
        assert (await marcus.ticket("HD-1001"))["ticket"]["status"] != "closed"


async def test_a_merged_ticket_is_gone_on_with_as_its_own_requester(desk: ServedDesk) -> None:
    pat = {"name": "Pat Lee", "email": "pat@contoso.example", "issue": "Mail is down"}
    async with customer(desk.base) as line:
        await opened(line, **pat)
        await line.send(t="leave", id="leave")
        await line.next("ack")
    async with console(desk) as marcus, browser(desk) as other:
        await marcus.does("/tickets/HD-1002/merge", into="HD-1001")
        (code,) = await other.find(ticket="HD-1002", email=pat["email"])
        assert (await all_sent(desk))[0].recipient == pat["email"]
        ready = await other.join(code, ticket="HD-1002", email=pat["email"])
        assert ready["messages"][0]["text"].startswith("This is HD-1001: Mail is down\n")


async def test_the_mail_says_nothing_that_was_typed(desk: ServedDesk) -> None:
    async with browser(desk) as other:
        await other.find()
    (mail,) = [read_back(one) for one in await all_sent(desk) if b"Your code" in one.source]
    assert mail["Subject"] == "[HD-1001] Your code for the chat"
    assert not [word for word in ("Dana", "slow") if word in mail.get_content()]
