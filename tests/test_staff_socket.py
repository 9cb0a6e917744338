"""The console's live connection: who may open it, what it carries, and that it ends with the session."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import suppress

import aiohttp
import pytest
from aiohttp import WSCloseCode

from chatdesk.bootstrap import now
from chatdesk.conversation import Visibility
from chatdesk.errors import StorageError
from chatdesk.hub import TicketsChanged
from chatdesk.ticket import TicketNumber
from tests.console_client import console, waiting_chat
from tests.running_desk import Line, ServedDesk, serving, technician


@pytest.fixture
async def desk() -> AsyncIterator[ServedDesk]:
    async with serving() as served:
        yield served


def foreign_origins(base: str) -> list[str | None]:
    host = base.removeprefix("http://")
    return [
        None,
        "",
        "null",
        "https://evil.example",
        f"https://{host}",
        f"http://{host}.evil.example",
        f"http://evil.example/{host}",
        f"http://user@{host}",
        f"{base}/",
        f"{base}/console",
        base.upper(),
        f" {base}x",
        f"{base}, https://evil.example",
        "http://127.0.0.1",
        "http://localhost",
        "file://",
        "chrome-extension://abc",
        f"ws://{host}",
        f"http://{host}:80",
        f"http://0.0.0.0:{host.rpartition(':')[2]}",
    ]


async def test_pages_of_any_other_origin_are_refused(desk: ServedDesk) -> None:
    cookies = dict(await desk.sign_in())
    async with aiohttp.ClientSession(cookies=cookies) as session:
        for origin in foreign_origins(desk.base):
            headers = {} if origin is None else {"Origin": origin}
            with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
                await session.ws_connect(f"{desk.base}/console/socket", headers=headers)
            assert refused.value.status == 403, origin


async def test_without_a_session_it_is_refused(desk: ServedDesk) -> None:
    for cookies in ({}, {"chatdesk_session": "x" * 43}):
        async with aiohttp.ClientSession(cookies=cookies) as session:
            with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
                await session.ws_connect(f"{desk.base}/console/socket", origin=desk.base)
            assert refused.value.status == 401


async def test_bad_frames_are_answered_and_hurt_nobody(desk: ServedDesk) -> None:
    async with technician(desk.base, await desk.sign_in()) as line:
        for sent in (
            "",
            "nonsense",
            "[]",
            "{}",
            '{"t":"fly"}',
            '{"t":"watch"}',
            "[" * 3000,
            '{"t":"ping","x":1}',
        ):
            await line.socket.send_str(sent)
            answer = await line.socket.receive_json()
            while answer["t"] != "error":
                answer = await line.socket.receive_json()
            assert answer["code"] == "bad_frame"
        await line.send(t="ping")
        await line.next("pong")


async def test_a_page_looks_at_its_ticket_again_when_any_may_have_changed(desk: ServedDesk) -> None:
    """As after a link to other nodes was lost: they may have changed the ticket, and nothing of the chat."""
    async with (
        waiting_chat(desk) as (_, number, conversation),
        technician(desk.base, await desk.sign_in()) as line,
        technician(desk.base, await desk.sign_in("Priya Nair")) as elsewhere,
    ):
        await line.send(t="watch", conversation=conversation, after=0)
        await line.next("ready")
        for page in (line, elsewhere):
            await page.send(t="watch_desk")
            await page.send(t="ping")
            await page.next("pong")
        desk.running.hub.pass_on_to_desk(TicketsChanged(frozenset()))
        assert await line.next("tickets") == {"t": "tickets", "numbers": [number], "announced": {}}
        # Its lists may be other ones.
        assert await elsewhere.next("tickets") == {"t": "tickets", "numbers": [], "announced": {}}


async def test_signing_out_closes_every_live_page_of_the_session_at_once(desk: ServedDesk) -> None:
    async with console(desk) as marcus:
        cookies = {each.key: each.value for each in marcus.session.cookie_jar}
        async with technician(desk.base, cookies) as one, technician(desk.base, cookies) as two:
            await one.next("hello")
            await two.next("hello")
            headers = {"Origin": desk.base, "X-CSRF-Token": marcus.csrf}
            async with marcus.session.post(f"{desk.base}/console/sign-out", headers=headers) as answer:
                assert answer.status == 200
            assert await one.close_code() == 1008
            assert await two.close_code() == 1008


async def test_what_is_sent_after_access_has_ended_is_not_taken(desk: ServedDesk) -> None:
    async with (
        waiting_chat(desk) as (_, number, conversation),
        console(desk, "Priya Nair") as priya,
        console(desk, "Lena Ortiz") as lena,
    ):
        cookies = {each.key: each.value for each in lena.session.cookie_jar}
        async with technician(desk.base, cookies) as line:
            await line.next("hello")
            headers = {"Origin": desk.base, "X-CSRF-Token": lena.csrf}
            async with lena.session.post(f"{desk.base}/console/sign-out", headers=headers) as answer:
                assert answer.status == 200
            with suppress(ConnectionError):
                await line.send(t="message", id="late", conversation=conversation, text="Late", internal=True)
            await line.close_code()
        messages = (await priya.ticket(number))["conversations"][0]["messages"]
        assert "Late" not in [each["text"] for each in messages]


async def test_a_page_that_cannot_be_shown_a_chat_is_told_to_come_back(
    desk: ServedDesk, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def fails(*_: object) -> None:
        raise StorageError("The database is locked.")

    cookies = dict(await desk.sign_in())
    async with technician(desk.base, cookies) as line:
        monkeypatch.setattr(desk.running.services.staff_reads, "conversation", fails)
        await line.send(t="watch", conversation="any", after=0)
        assert await line.close_code() == WSCloseCode.INTERNAL_ERROR


async def test_another_session_of_the_same_technician_stays(desk: ServedDesk) -> None:
    async with technician(desk.base, await desk.sign_in()) as other, console(desk) as marcus:
        await other.next("hello")
        headers = {"Origin": desk.base, "X-CSRF-Token": marcus.csrf}
        async with marcus.session.post(f"{desk.base}/console/sign-out", headers=headers):
            pass
        await other.send(t="ping")
        await other.next("pong")


async def test_a_disabled_account_loses_its_live_pages_and_hears_nothing_more(desk: ServedDesk) -> None:
    async with (
        waiting_chat(desk) as (customer, _, conversation),
        technician(desk.base, await desk.sign_in("Lena Ortiz")) as line,
    ):
        await line.send(t="watch", conversation=conversation)
        await line.next("ready")
        # As the command line does in another process: this one is not told.
        await desk.running.staff.disable("lena@northwind.example", now())
        assert await line.close_code() == 1008
        await customer.send(t="message", id="secret", text="For your eyes only")
        await customer.next("ack")
        with pytest.raises(TypeError):
            await line.socket.receive_json()


async def test_a_session_that_grew_too_old_is_closed(desk: ServedDesk) -> None:
    cookies = await desk.sign_in()
    async with technician(desk.base, cookies) as line:
        await line.next("hello")
        async with desk.running.database.transaction() as connection:
            await connection.execute_query("UPDATE session SET expires_at = '2001-01-01 00:00:00+00:00'")
        assert await line.close_code() == 1008


async def test_technicians_are_told_who_else_is_here_and_whether_the_customer_is(desk: ServedDesk) -> None:
    async with technician(desk.base, await desk.sign_in("Marcus Bell")) as marcus:
        async with waiting_chat(desk) as (_, _, conversation):
            await marcus.send(t="watch", conversation=conversation)
            alone = await marcus.next("presence")
            assert ([each["name"] for each in alone["agents"]], alone["online"]) == (["Marcus Bell"], True)
            async with technician(desk.base, await desk.sign_in("Priya Nair")) as priya:
                await priya.send(t="watch", conversation=conversation)
                both = await marcus.next("presence")
                assert [each["name"] for each in both["agents"]] == ["Marcus Bell", "Priya Nair"]
            left = await marcus.next("presence")
            assert [each["name"] for each in left["agents"]] == ["Marcus Bell"]
        gone = await marcus.next("presence")
        assert gone["online"] is False


async def test_typing_reaches_the_others_and_a_note_being_written_only_staff(desk: ServedDesk) -> None:
    async with (
        waiting_chat(desk) as (customer, number, conversation),
        console(desk) as marcus_page,
        technician(desk.base, await desk.sign_in("Marcus Bell")) as marcus,
        technician(desk.base, await desk.sign_in("Priya Nair")) as priya,
    ):
        await marcus_page.does(f"/tickets/{number}/take")
        for line in (marcus, priya):
            await line.send(t="watch", conversation=conversation)
            await line.next("presence")
        await marcus.send(t="typing", conversation=conversation, on=True, internal=True)
        heard = await priya.next("typing")
        assert (heard["name"], heard["internal"], heard["customer"]) == ("Marcus Bell", True, False)
        await marcus.send(t="typing", conversation=conversation, on=True)
        # The first that the customer hears of it is the second: the note's is not for them.
        assert (await customer.next("typing"))["name"] == "Marcus Bell"
        await customer.send(t="typing", on=True)
        assert (await marcus.next("typing"))["customer"] is True


async def test_a_note_never_reaches_the_customer_whatever_is_done_to_it(desk: ServedDesk) -> None:
    async with (
        waiting_chat(desk) as (customer, _, conversation),
        technician(desk.base, await desk.sign_in()) as marcus,
    ):
        await marcus.send(t="watch", conversation=conversation)
        await marcus.next("ready")
        await marcus.send(t="message", id="n1", conversation=conversation, text="NOTE one", internal=True)
        seq = (await marcus.next("ack"))["seq"]
        await marcus.send(t="edit", id="n2", conversation=conversation, seq=seq, text="NOTE two")
        await marcus.next("ack")
        await marcus.send(t="delete", id="n3", conversation=conversation, seq=seq)
        await marcus.next("ack")
        await customer.send(t="message", id="last", text="Still there?")
        assert "NOTE" not in await _until_ack(customer)


async def test_a_message_that_is_marked_as_a_note_is_one_and_an_empty_one_is_refused(
    desk: ServedDesk,
) -> None:
    async with (
        waiting_chat(desk) as (customer, number, conversation),
        console(desk) as page,
        technician(desk.base, await desk.sign_in()) as marcus,
    ):
        await page.does(f"/tickets/{number}/take")
        await customer.next("news")
        await marcus.send(t="message", id="n1", conversation=conversation, text=" // NOTE")
        await marcus.next("ack")
        await marcus.send(t="message", id="n2", conversation=conversation, text="//")
        assert (await marcus.next("error"))["message"] == "Write a message first."
        await customer.send(t="message", id="last", text="Still there?")
        assert "NOTE" not in await _until_ack(customer)
        file = await desk.running.services.staff_reads.ticket_file(TicketNumber(1001))
        assert file is not None
        assert [m.text for m in file.messages if m.visibility is Visibility.INTERNAL] == ["NOTE"]


async def _until_ack(line: Line) -> str:
    """Return everything that came until the acknowledgement, as it came."""
    heard = ""
    while '"ack"' not in heard:
        heard += await line.socket.receive_str()
    return heard


async def test_one_technician_cannot_change_what_another_wrote(desk: ServedDesk) -> None:
    async with (
        waiting_chat(desk) as (_, _, conversation),
        technician(desk.base, await desk.sign_in("Marcus Bell")) as marcus,
        technician(desk.base, await desk.sign_in("Priya Nair")) as priya,
    ):
        await marcus.send(t="message", id="n1", conversation=conversation, text="Mine", internal=True)
        seq = (await marcus.next("ack"))["seq"]
        await priya.send(t="edit", id="n2", conversation=conversation, seq=seq, text="Yours")
        answer = await priya.socket.receive_json()
        while answer["t"] != "error":
            answer = await priya.socket.receive_json()
        assert answer["code"] == "not_found"


async def test_a_technician_who_comes_back_gets_what_was_missed_once_and_in_order(desk: ServedDesk) -> None:
    cookies = await desk.sign_in()
    async with waiting_chat(desk) as (customer, _, conversation):
        async with technician(desk.base, cookies) as before:
            await before.send(t="watch", conversation=conversation)
            seen = (await before.next("ready"))["seq"]
        for number in range(5):
            await customer.send(t="message", id=f"m{number}", text=f"line {number}")
            await customer.next("ack")
        async with technician(desk.base, cookies) as after:
            await after.send(t="watch", conversation=conversation, after=seen)
            missed = (await after.next("ready"))["messages"]
            assert [each["text"] for each in missed] == [f"line {number}" for number in range(5)]
        async with technician(desk.base, cookies) as ahead:
            # As of a desk that was restored from a backup: the page has seen more than there is.
            await ahead.send(t="watch", conversation=conversation, after=seen + 99)
            shown = (await ahead.next("ready"))["messages"]
            assert [each["text"] for each in shown][-5:] == [f"line {number}" for number in range(5)]


async def test_a_resent_message_is_there_once(desk: ServedDesk) -> None:
    async with (
        waiting_chat(desk) as (_, number, conversation),
        console(desk) as page,
        technician(desk.base, await desk.sign_in()) as marcus,
    ):
        await page.does(f"/tickets/{number}/take")
        acks = []
        for _ in range(3):
            await marcus.send(t="message", id="same", conversation=conversation, text="Once")
            acks.append((await marcus.next("ack"))["seq"])
        assert len(set(acks)) == 1
        messages = (await page.ticket(number))["conversations"][0]["messages"]
        assert [each["text"] for each in messages].count("Once") == 1
