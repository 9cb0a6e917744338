"""Teams at its worst: repetitions, disorder, files, slow and failing services."""

from __future__ import annotations

import asyncio
import json
import random
from datetime import UTC, datetime
from http import HTTPStatus

import pytest

from adapters.teams import customers
from adapters.teams.connector_pipeline import _Answer, _raise
from adapters.teams.gateway import Place
from adapters.teams.incoming import Incoming
from adapters.teams.memory import Memory, Source
from adapters.teams.people import People
from adapters.teams.turn import Turn
from chatdesk.conversation import Agent, ConversationId
from chatdesk.errors import DeliveryDelayed, StorageError
from chatdesk.events import CustomerMessaged
from chatdesk.outbox import DeliveryStatus
from tests.fake_connector.connector import Failure, Json
from tests.fake_connector.running import DANA, MARCUS, Person, TeamsDesk, teams_desk
from tests.test_teams_desk import FIRST, chat_on_the_web, fill_in, messages, said

PICTURE = b"\x89PNG\r\n\x1a\n" + bytes(200)
WEB_CHAT = ConversationId("w" * 24)


async def live_chat(desk: TeamsDesk) -> str:
    """Bring Dana, in Teams, into a live chat with Marcus; return the thread's conversation."""
    await desk.hire(MARCUS)
    await fill_in(desk, DANA)
    await desk.last_text(DANA.chat, "Your ticket is HD-1001")
    await desk.press(MARCUS, "take", ticket=1001)
    await desk.last_text(DANA.chat, "has joined")
    return next(one.conversation for one in desk.connector.standing() if ";messageid=" in one.conversation)


async def customer_writes(desk: TeamsDesk, text: str) -> None:
    event = CustomerMessaged(
        at=datetime.now(UTC),
        channel="web",
        external_id=text,
        conversation=WEB_CHAT,
        visitor="visitor-dana",
        text=text,
    )
    _ = await desk.running.desk.receive(event)


async def delivery_states(desk: TeamsDesk) -> dict[DeliveryStatus, int]:
    file = await desk.running.services.staff_reads.ticket_file(FIRST)
    assert file is not None
    states = [note.status for note in file.deliveries if note.delivery.target == "teams"]
    return {state: states.count(state) for state in set(states)}


def test_a_proxy_s_answer_is_shown_as_one_line_that_can_be_kept() -> None:
    page = "<html>\r\n<h1>Bad Gateway</h1>".encode("utf-16-le")
    with pytest.raises(DeliveryDelayed) as raised:
        _raise(_Answer(HTTPStatus.BAD_GATEWAY, {}, page))
    assert str(raised.value) == "Teams answered 502: <html> <h1>Bad Gateway</h1>"


async def test_duplicated_and_shuffled_activities_are_each_taken_once() -> None:
    async with teams_desk() as desk:
        thread = await live_chat(desk)
        sent = [desk.activity(DANA, text=f"From Dana {number}") for number in range(30)]
        sent += [desk.activity(MARCUS, thread, text=f"From Marcus {number}") for number in range(30)]
        storm = sent * 4
        random.Random(7).shuffle(storm)
        statuses = [
            status
            for start in range(0, len(storm), 40)
            for status, _ in await asyncio.gather(*map(desk.call, storm[start : start + 40]))
        ]
        assert set(statuses) == {200}
        found = sorted(message.text for message in await messages(desk) if message.text.startswith("From "))
        assert found == sorted(str(activity["text"]) for activity in sent)
        await desk.connector.until(
            lambda: sum("From Dana" in text for text in desk.connector.texts(thread)) == 30
        )
        await desk.connector.until(
            lambda: sum("From Marcus" in text for text in desk.connector.texts(DANA.chat)) == 30
        )


async def test_an_edit_or_deletion_of_something_unknown_changes_nothing() -> None:
    async with teams_desk() as desk:
        thread = await live_chat(desk)
        before = await messages(desk)
        for kind in ("messageUpdate", "messageDelete"):
            activity = desk.activity(MARCUS, thread, type=kind, text="?", id="1111")
            assert (await desk.call(activity))[0] == 200
        assert await messages(desk) == before


async def test_an_edit_that_changes_no_word_is_no_edit() -> None:
    async with teams_desk() as desk:
        await live_chat(desk)
        wrote = await desk.say(DANA, "See https://example.com")
        assert (await desk.call({**wrote, "type": "messageUpdate", "timestamp": "later"}))[0] == 200
        assert (await said(desk, "See https://example.com")).edited_at is None


async def test_a_survey_in_a_channel_never_makes_the_channel_somebodys_own_chat() -> None:
    async with teams_desk() as desk:
        thread = await live_chat(desk)
        answer = await desk.press(DANA, "customer_survey", thread, shown=[])
        assert "chat of our own" in answer["value"]
        await desk.say(MARCUS, "Between us", thread)
        await desk.last_text(DANA.chat, "Between us")


async def test_a_card_whose_fate_is_unknown_is_shown_and_the_next_news_posts_one() -> None:
    async with teams_desk() as desk:
        desk.connector.failures.append(Failure(keep=False))
        card = await chat_on_the_web(desk)
        assert "HD-1001" in card.card_text
        await desk.last_text(card.conversation, "Outlook does not open.")
        assert (await delivery_states(desk))[DeliveryStatus.UNKNOWN] == 1


async def test_a_customers_edit_and_deletion_follow_in_the_thread() -> None:
    async with teams_desk() as desk:
        thread = await live_chat(desk)
        wrote = await desk.say(DANA, "My pasword is secret1")
        await desk.last_text(thread, "secret1")
        assert (await desk.call({**wrote, "type": "messageUpdate", "text": "Never mind"}))[0] == 200
        await desk.last_text(thread, "Never mind")
        assert (await desk.call({**wrote, "type": "messageDelete", "text": ""}))[0] == 200
        await desk.connector.until(
            lambda: not any("Never mind" in one for one in desk.connector.texts(thread))
        )
        assert not [text for text in desk.connector.texts(thread) if "secret1" in text]


async def test_a_repetition_is_not_answered_before_the_first_is_on_disk(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    receive, technician = customers.receive_message, People.technician
    begun, repeated, calls = asyncio.Event(), asyncio.Event(), 0

    async def fail_once(turn: Turn) -> None:
        if begun.is_set():
            await receive(turn)
            return
        begun.set()
        await repeated.wait()
        raise StorageError("the database is away for a moment")

    async def count_calls(self: People, incoming: Incoming) -> Agent | None:
        nonlocal calls
        calls += 1
        agent = await technician(self, incoming)
        if calls == 2:
            # What is left of this call up to where it waits needs one turn of the loop.
            asyncio.get_running_loop().call_soon(repeated.set)
        return agent

    async with teams_desk() as desk:
        await live_chat(desk)
        monkeypatch.setattr(customers, "receive_message", fail_once)
        monkeypatch.setattr(People, "technician", count_calls)
        activity = desk.activity(DANA, text="Are you there?")
        first = asyncio.create_task(desk.call(activity))
        await begun.wait()
        second = asyncio.create_task(desk.call(activity))
        assert ((await first)[0], (await second)[0]) == (503, 200)
        assert [message.text for message in await messages(desk)].count("Are you there?") == 1


@pytest.mark.parametrize("person", [MARCUS, DANA])
async def test_what_was_stored_but_not_noted_can_still_be_edited_and_taken_back(
    person: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def keep_nothing(self: Memory, place: Place, activity: str, source: Source) -> None:
        raise StorageError("the database is away for a moment")

    async with teams_desk() as desk:
        thread = await live_chat(desk)
        activity = desk.activity(person, thread if person is MARCUS else "", text="The password is secret1")
        with monkeypatch.context() as patch:
            patch.setattr(Memory, "keep_source", keep_nothing)
            assert (await desk.call(activity))[0] == 503
        await desk.say(person, "More words", thread if person is MARCUS else "")
        assert (await desk.call(activity))[0] == 200
        edit = {**activity, "type": "messageUpdate", "text": "The password is known", "timestamp": "later"}
        assert (await desk.call(edit))[0] == 200
        assert (await said(desk, "The password is known")).edited_at is not None
        assert (await desk.call(activity))[0] == 200
        assert (await desk.call({**activity, "type": "messageDelete", "text": ""}))[0] == 200
        assert [message.text for message in await messages(desk) if "password" in message.text] == []


@pytest.mark.parametrize(
    "more",
    [
        {"type": "conversationUpdate", "membersAdded": [{"id": "29:new"}]},
        {"type": "conversationUpdate", "membersRemoved": [{"id": "29:new"}]},
        {"type": "messageReaction", "reactionsAdded": [{"type": "like"}], "replyToId": "1"},
        {"type": "messageReaction", "reactionsRemoved": [{"type": "like"}], "replyToId": "1"},
        {"type": "installationUpdate", "action": "remove"},
        {"type": "typing"},
        {
            "type": "event",
            "name": "application/vnd.microsoft.readReceipt",
            "value": {"lastReadMessageId": "1"},
        },
        {"type": "endOfConversation"},
        {"type": "something new", "value": [1, 2, 3]},
        {"type": "message"},
        {"type": "message", "text": None, "attachments": "none", "entities": 5},
    ],
)
async def test_other_activities_are_answered_and_change_nothing(more: Json) -> None:
    async with teams_desk() as desk:
        status, _ = await desk.call(desk.activity(DANA, **more))
        assert status == 200
        assert await desk.running.services.staff_reads.ticket(FIRST) is None


async def test_bodies_that_are_no_activity_are_refused() -> None:
    async with teams_desk() as desk:
        for body, expected in [
            (b"[]", 400),
            (b"{", 400),
            (b"\xff", 400),
            (b"[" * 100_000, 400),
            (b"x" * 300_000, 413),
        ]:
            async with desk.session.post(f"{desk.base}/api/messages", data=body) as answer:
                assert answer.status == expected, body[:10]


async def test_pictures_and_files_go_both_ways() -> None:
    async with teams_desk() as desk:
        thread = await live_chat(desk)
        base = desk.microsoft.base
        desk.connector.files = {"error.png": PICTURE, "report.txt": b"All is well."}
        picture = {"contentType": "image/png", "name": "error.png", "contentUrl": f"{base}/files/error.png"}
        await desk.say(DANA, "See this", attachments=[picture])
        (file,) = (await said(desk, "See this")).files
        assert (file.name, file.media_type, file.size) == ("error.png", "image/png", len(PICTURE))
        told = await desk.last_text(thread, "error.png: https://desk.example.com/teams/files/")
        path = told.partition("https://desk.example.com")[2].split()[0]
        async with desk.session.get(desk.base + path) as answer:
            assert await answer.read() == PICTURE
            assert answer.headers["Content-Disposition"].startswith("attachment")
        last = "0" if path[-1] != "0" else "1"
        for wrong in (path[:-1] + last, path[:-1] + "%C3%BC", path.replace(file.id, "f" * 32)):
            async with desk.session.get(desk.base + wrong) as answer:
                assert answer.status == 404
        report = {
            "contentType": "application/vnd.microsoft.teams.file.download.info",
            "name": "report.txt",
            "content": {"downloadUrl": f"{base}/files/report.txt", "fileType": "txt"},
        }
        await desk.say(MARCUS, "", thread, attachments=[report])
        assert "report.txt: https://desk.example.com" in await desk.last_text(DANA.chat, "report.txt")


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1:1/x",
        "file:///etc/passwd",
        "https://10.0.0.1/x",
        "https://sharepoint.com.example.com/x",
    ],
)
async def test_files_are_fetched_from_microsoft_only(url: str) -> None:
    async with teams_desk() as desk:
        await live_chat(desk)
        content = {"downloadUrl": url}
        kind = "application/vnd.microsoft.teams.file.download.info"
        await desk.say(DANA, "Look", attachments=[{"contentType": kind, "name": "x.txt", "content": content}])
        await desk.last_text(DANA.chat, "x.txt could not be fetched")
        assert not [message for message in await messages(desk) if message.text == "Look"]


@pytest.mark.parametrize(("status", "times"), [(412, 1), (429, 2), (502, 1), (503, 1), (504, 1)])
async def test_a_busy_service_is_asked_again_and_the_order_is_kept(status: int, times: int) -> None:
    async with teams_desk() as desk:
        card = await chat_on_the_web(desk)
        desk.connector.failures.append(Failure(status, {"Retry-After": "1"}, times=times))
        for number in range(4):
            await customer_writes(desk, f"Message {number}")
        await desk.last_text(card.conversation, "Message 3")
        texts = [text for text in desk.connector.texts(card.conversation) if "Message" in text]
        assert [text[-1] for text in texts] == ["0", "1", "2", "3"]


async def test_a_message_whose_fate_is_unknown_is_shown_to_staff_and_never_sent_again() -> None:
    async with teams_desk() as desk:
        card = await chat_on_the_web(desk)
        desk.connector.failures.append(Failure(keep=True))
        await customer_writes(desk, "Once only")
        await customer_writes(desk, "After it")
        await desk.last_text(card.conversation, "After it")
        assert sum("Once only" in text for text in desk.connector.texts(card.conversation)) == 1
        assert (await delivery_states(desk))[DeliveryStatus.UNKNOWN] == 1


async def test_an_expired_token_is_renewed_and_the_message_arrives_once() -> None:
    async with teams_desk() as desk:
        card = await chat_on_the_web(desk)
        desk.microsoft.issuer.tokens_given.append("another token, so that the bot's is no longer the newest")
        await customer_writes(desk, "With a new token")
        await desk.last_text(card.conversation, "With a new token")
        assert sum("With a new token" in text for text in desk.connector.texts(card.conversation)) == 1


async def test_a_slow_conversation_holds_up_nobody_else() -> None:
    async with teams_desk() as desk:
        thread = await live_chat(desk)
        clock = asyncio.get_running_loop().time
        # Thirty seconds, as long as the session waits at most, for everything that goes to Dana.
        desk.connector.latency = lambda conversation: 30.0 if conversation == DANA.chat else 0.0
        began = clock()
        await desk.say(MARCUS, "Are you there?", thread)
        for number in range(10):
            await desk.say(DANA, f"Still here {number}")
        await desk.say(DANA, "help")
        await desk.say(MARCUS, "queue")
        of_marcus = desk.connector.standing
        await desk.connector.until(
            lambda: any("Open tickets" in json.dumps(one.activity) for one in of_marcus(MARCUS.chat))
        )
        assert clock() - began < 10.0
        desk.connector.latency = lambda conversation: 0.0


async def test_the_desk_answers_while_its_connector_is_down() -> None:
    async with teams_desk() as desk:
        await live_chat(desk)
        desk.connector.failures.append(Failure(503, times=50))
        clock = asyncio.get_running_loop().time
        began = clock()
        await asyncio.gather(*(desk.say(DANA, f"Message {number}") for number in range(20)))
        assert clock() - began < 5.0
        assert sum("Message" in message.text for message in await messages(desk)) == 20
        desk.connector.failures.clear()
