"""Files both ways, reactions for what became of a message, typing, and a real browser on the other side."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress

import aiohttp
import pytest
from playwright.async_api import Browser, expect

from adapters.slack import receipts
from adapters.slack.cards import Cards
from adapters.slack.memory import Memory, Post
from chatdesk.conversation import Conversation, Live
from chatdesk.errors import StorageError
from chatdesk.hub import ConversationChanged, ConversationNews
from chatdesk.ticket import Ticket
from tests.slack_desk import TRIAGE, SlackDesk, chat, file_in_slack, heard, shown, slack_desk
from tests.widget_page import customer_page

VISITOR = "a-browser-secret-of-forty-three-letters-0123"


@pytest.fixture
async def desk() -> AsyncIterator[SlackDesk]:
    async with slack_desk() as running:
        yield running


async def test_each_message_to_the_customer_shows_relayed_delivered_and_seen(desk: SlackDesk) -> None:
    async with chat(desk) as (line, card):
        await desk.marcus.press(TRIAGE, card["ts"], "ticket_take")
        ts = await desk.marcus.say(TRIAGE, "Hello", card["ts"])
        message = desk.workspace.channels[TRIAGE].messages[ts]
        await desk.slack.until(lambda: message["reactions"] == ["outbox_tray"])
        news = await heard(line, "Hello")
        await line.send(t="receipt", delivered=news["seq"])
        await desk.slack.until(lambda: message["reactions"] == ["outbox_tray", "inbox_tray"])
        await line.send(t="receipt", delivered=news["seq"], seen=news["seq"])
        await desk.slack.until(lambda: message["reactions"] == ["outbox_tray", "inbox_tray", "eye"])
        note = await desk.marcus.say(TRIAGE, "// for us", card["ts"])
        await desk.marcus.say(TRIAGE, "Bye", card["ts"])
        await heard(line, "Bye")
        assert desk.workspace.channels[TRIAGE].messages[note]["reactions"] == []


async def test_a_customer_who_reads_before_the_post_is_noted_is_shown_too(
    desk: SlackDesk, monkeypatch: pytest.MonkeyPatch
) -> None:
    read, keep_said = asyncio.Event(), Memory.keep_said

    async def keep_late(self: Memory, post: Post) -> None:
        await read.wait()
        await keep_said(self, post)

    def on_news(news: ConversationNews) -> None:
        if isinstance(news, ConversationChanged) and news.conversation.receipts.customer_seen:
            read.set()

    monkeypatch.setattr(Memory, "keep_said", keep_late)
    async with chat(desk) as (line, card):
        await desk.marcus.press(TRIAGE, card["ts"], "ticket_take")
        desk.served.running.hub.listen((await desk.ticket(1001)).conversations[0].id, on_news)
        saying = asyncio.create_task(desk.marcus.say(TRIAGE, "Hello", card["ts"]))
        news = await heard(line, "Hello")
        await line.send(t="receipt", delivered=news["seq"], seen=news["seq"])
        message = desk.workspace.channels[TRIAGE].messages[await saying]
        await desk.slack.until(lambda: message["reactions"] == ["outbox_tray", "inbox_tray", "eye"])


async def test_that_the_customer_types_shows_in_the_banner_and_goes_again(desk: SlackDesk) -> None:
    async with chat(desk) as (line, card):
        await desk.marcus.press(TRIAGE, card["ts"], "ticket_take")
        banner = desk.thread(card)[0]
        await desk.until_shown(banner, "LIVE with")
        await line.send(t="typing", on=True)
        await desk.until_shown(banner, "Dana Reyes is typing…")
        await line.send(t="typing", on=False)
        await desk.slack.until(lambda: "is typing" not in shown(banner))


async def test_who_types_and_vanishes_is_not_shown_as_typing_for_ever(
    desk: SlackDesk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(receipts, "TYPING_LASTS", 0.5)
    async with chat(desk) as (line, card):
        await desk.marcus.press(TRIAGE, card["ts"], "ticket_take")
        banner = desk.thread(card)[0]
        await desk.until_shown(banner, "LIVE with")
        await line.send(t="typing", on=True)
        await desk.until_shown(banner, "Dana Reyes is typing…")
        await desk.slack.until(lambda: "is typing" not in shown(banner))


async def test_a_late_sign_of_typing_does_not_bring_an_older_banner_back(
    desk: SlackDesk, monkeypatch: pytest.MonkeyPatch
) -> None:
    writing, ended = asyncio.Event(), asyncio.Event()
    names = Cards.names

    async def slow_names(cards: Cards, ticket: Ticket, conversation: Conversation) -> dict[str, str]:
        found = await names(cards, ticket, conversation)
        if isinstance(conversation.state, Live) and not writing.is_set():
            # What the banner is made from has been read: meanwhile the chat ends.
            writing.set()
            await ended.wait()
        return found

    async with chat(desk) as (line, card):
        await desk.marcus.press(TRIAGE, card["ts"], "ticket_take")
        banner = desk.thread(card)[0]
        await desk.until_shown(banner, "LIVE with")
        monkeypatch.setattr(Cards, "names", slow_names)
        await line.send(t="typing", on=True)
        await writing.wait()
        await line.send(t="end", id="end")
        await line.next("ack")
        with suppress(TimeoutError):
            # As long as the sign is being written, the card waits for it.
            await desk.slack.until(lambda: "This thread is internal" in shown(banner), within=1.0)
        ended.set()
        await desk.until_shown(banner, "This thread is internal")
        await line.send(t="message", id="more", text="One more thing")
        await desk.reply(card, "One more thing")
        assert "LIVE" not in shown(banner)


@pytest.mark.parametrize("fault", [StorageError("restarting"), RuntimeError("something else")])
async def test_signs_go_on_after_one_that_could_not_be_shown(
    desk: SlackDesk, monkeypatch: pytest.MonkeyPatch, fault: Exception
) -> None:
    failed = asyncio.Event()

    async def show_typing(*_: object) -> None:
        failed.set()
        raise fault

    async with chat(desk) as (line, card):
        await desk.marcus.press(TRIAGE, card["ts"], "ticket_take")
        await desk.until_shown(desk.thread(card)[0], "LIVE with")
        with monkeypatch.context() as failing:
            failing.setattr(Cards, "show_typing", show_typing)
            await line.send(t="typing", on=True)
            await failed.wait()
        ts = await desk.marcus.say(TRIAGE, "Hello", card["ts"])
        message = desk.workspace.channels[TRIAGE].messages[ts]
        await desk.slack.until(lambda: "outbox_tray" in message["reactions"])


async def test_a_customers_file_appears_in_the_thread_once(desk: SlackDesk) -> None:
    async with chat(desk, VISITOR) as (line, card):
        await desk.marcus.press(TRIAGE, card["ts"], "ticket_take")
        desk.slack.fail("files.completeUploadExternal", "cut after")
        uploaded = await upload(desk, "screen.txt", b"paper jam")
        await line.send(t="message", id="f", text="Look", files=[uploaded])
        await desk.reply(card, "Look")
        await line.send(t="message", id="g", text="afterwards")
        await desk.reply(card, "afterwards")
        files = [file for reply in desk.thread(card) for file in reply.get("files", [])]
        assert [file["name"] for file in files] == ["screen.txt"]
        assert desk.workspace.uploads[files[0]["id"]]["content"] == b"paper jam"


async def upload(desk: SlackDesk, name: str, content: bytes) -> str:
    """Upload a file as the customer's page does, and return its id."""
    conversation = (await desk.ticket(1001)).conversations[0].id
    address = f"{desk.served.base}/widget/files?key=desk&conversation={conversation}&name={name}"
    headers = {"Origin": desk.served.base, "X-Chatdesk-Visitor": VISITOR}
    async with (
        aiohttp.ClientSession() as session,
        session.post(address, data=content, headers=headers) as sent,
    ):
        assert sent.status < 300, await sent.text()
        return str((await sent.json())["id"])


async def test_a_technicians_file_reaches_the_customer(desk: SlackDesk) -> None:
    async with chat(desk) as (line, card):
        await desk.marcus.press(TRIAGE, card["ts"], "ticket_take")
        file = file_in_slack(desk, "driver.txt", b"the new driver")
        await desk.marcus.say(TRIAGE, "Install this", card["ts"], [file])
        message = await heard(line, "Install this")
        assert [(kept["name"], kept["size"]) for kept in message["files"]] == [("driver.txt", 14)]


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"url_private_download": "https://evil.example/x"}, "not one of Slack's"),
        ({"url_private_download": "http://files.slack.com.evil.example/x"}, "not one of Slack's"),
        ({"size": 10**9}, "too large"),
    ],
)
async def test_a_file_that_cannot_be_taken_is_said_and_the_token_goes_nowhere_else(
    desk: SlackDesk, change: dict[str, object], words: str
) -> None:
    async with chat(desk) as (_, card):
        await desk.marcus.press(TRIAGE, card["ts"], "ticket_take")
        await desk.marcus.say(TRIAGE, "This one", card["ts"], [file_in_slack(desk, "a.txt", b"a", **change)])
        assert words in desk.workspace.ephemeral[-1]["text"]


@pytest.mark.browser
async def test_a_customer_in_a_browser_and_a_technician_in_slack_talk(
    desk: SlackDesk, browser: Browser
) -> None:
    async with customer_page(browser, f"{desk.served.base}/demo") as dana:
        await dana.start()
        card = await desk.card()
        await desk.marcus.press(TRIAGE, card["ts"], "ticket_take")
        await expect(dana.log).to_contain_text("Marcus Bell from the help desk has joined.")
        ts = await desk.marcus.say(TRIAGE, "Good morning from Slack", card["ts"])
        await expect(dana.log).to_contain_text("Good morning from Slack")
        reactions = desk.workspace.channels[TRIAGE].messages[ts]["reactions"]
        await desk.slack.until(lambda: reactions == ["outbox_tray", "inbox_tray", "eye"])
        await dana.write("Hello *Marcus* <!channel>")
        reply = await desk.reply(card, "Hello *Marcus* <!channel>")
        assert reply["fired"] == []
        await desk.marcus.edit(TRIAGE, ts, "Good evening from Slack")
        await expect(dana.log).to_contain_text("Good evening from Slack")
        await desk.marcus.delete(TRIAGE, ts)
        await expect(dana.log).not_to_contain_text("Good evening from Slack")
