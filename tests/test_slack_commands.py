"""`/ticket`, shortcuts, the Home tab, direct messages, and the link to one's own account."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator

import aiohttp
import pytest

from tests.fake_slack.person import Person
from tests.slack_desk import CHAT_ANSWERS, MARCUS, OUTSIDER, PRIYA, TRIAGE, SlackDesk, chat, shown, slack_desk

CALL = {f"answer_{name}": answer for name, answer in CHAT_ANSWERS.items()}


@pytest.fixture
async def desk() -> AsyncIterator[SlackDesk]:
    async with slack_desk() as running:
        yield running


async def said(person: Person, command: str) -> str:
    """Run `/ticket` and return the words of its answer, which only the one who asked may see."""
    answer = await person.command(command, TRIAGE)
    assert answer.status == 200
    assert answer.body == "" or answer.body["response_type"] == "ephemeral"
    return shown(answer.body) if answer.body else ""


async def test_help_names_every_command(desk: SlackDesk) -> None:
    words = await said(desk.marcus, "help")
    for name in ("new", "phone", "list", "take", "assign", "priority", "wait", "resolve", "reopen", "merge",
                 "transcript", "quiet", "link"):  # fmt: skip
        assert name in words


async def test_a_ticket_is_worked_on_by_commands_alone(desk: SlackDesk) -> None:
    async with chat(desk) as (_, card):
        assert "It is slow" in await said(desk.marcus, "HD-1001")
        assert await said(desk.marcus, "take hd-1001") == "HD-1001 is yours."
        assert await said(desk.marcus, "priority HD-1001 high") == "HD-1001 has priority high now."
        assert await said(desk.marcus, f"assign HD-1001 <@{PRIYA}|priya>") == "HD-1001 is now Priya Nair's."
        assert "HD-1001" in await said(desk.priya, "list mine")
        assert "No tickets." in await said(desk.marcus, "list mine")
        assert "HD-1001" in await said(desk.marcus, "list contoso")
        assert "No tickets." in await said(desk.marcus, "list overdue")
        assert "It is slow" in await said(desk.marcus, "transcript HD-1001")
        assert "stays open" in await said(desk.priya, "workaround HD-1001 Use the laptop.")
        await desk.until_shown(card, "Use the laptop.")
        assert await said(desk.priya, "resolve HD-1001 A new cable.") == "HD-1001 is resolved."
        assert "closed" in await said(desk.priya, "take 1001")
        assert await said(desk.priya, "reopen HD-1001") == "HD-1001 is open again."
        await desk.until_shown(card, "assigned")


@pytest.mark.parametrize(
    ("command", "words"),
    [
        ("take HD-9", "The ticket HD-9 was not found."),
        ("take", "Name a ticket, such as HD-1024."),
        ("priority HD-1001 urgent", "A priority is one of critical, high, standard, low, scheduled."),
        ("assign HD-1001 bob", "Name a technician: /ticket assign HD-1024 @colleague"),
        ("merge HD-1001", "Name both tickets: /ticket merge HD-1024 into HD-1023"),
        ("quiet soon", "Write two times: /ticket quiet 18:00-08:00, or off."),
        ("dance", 'There is no command "dance". /ticket help lists them.'),
        ("9", "The ticket HD-9 was not found."),
        ("end HD-9", "There is no live chat about HD-9."),
        ("workaround HD-9", "Write how the customer can work meanwhile, after the ticket."),
        ("list nobody", 'No open tickets of a company called "nobody".'),
    ],
)
async def test_a_command_that_cannot_be_done_says_why(desk: SlackDesk, command: str, words: str) -> None:
    assert words in await said(desk.marcus, command)


async def test_a_call_is_logged_with_the_widgets_own_questions(desk: SlackDesk) -> None:
    await desk.marcus.command("phone", TRIAGE)
    view = desk.marcus.dialog()
    assert view["title"]["text"] == "Log a call"
    assert view["blocks"][0]["label"]["text"] == "Your full name"
    answer = await desk.marcus.submit(view, **{**CALL, "answer_email": "nonsense"})
    assert answer.body["errors"] == {
        "answer_email": "Please enter an e-mail address such as dana@example.com."
    }
    answer = await desk.marcus.submit(view, **CALL)
    assert "HD-1001 is open" in str(answer.body)
    card = await desk.card()
    assert "It is slow" in shown(card)
    assert (await desk.ticket(1001)).ticket.channel == "phone"


async def test_a_message_becomes_a_ticket_or_is_added_to_one(desk: SlackDesk) -> None:
    message = desk.priya.write(TRIAGE, "Dana says the <https://a.example|scanner> is dead")
    await desk.marcus.shortcut("create_ticket", TRIAGE, message)
    view = desk.marcus.dialog()
    await desk.marcus.submit(
        view, **{name: answer for name, answer in CALL.items() if name != "answer_issue"}
    )
    file = await desk.ticket(1001)
    assert dict(file.ticket.answers)["issue"] == "Dana says the scanner (https://a.example) is dead"
    assert file.ticket.channel == "direct"
    await desk.marcus.shortcut("add_to_ticket", TRIAGE, message)
    answer = await desk.marcus.submit(desk.marcus.dialog(), ticket="HD-1001")
    assert "Added to HD-1001" in str(answer.body)
    notes = [m.text for m in (await desk.ticket(1001)).messages if m.visibility == "internal"]
    assert len(notes) == 1
    assert "scanner" in notes[0]


async def test_the_home_tab_shows_mine_and_the_queue_and_nothing_to_others(desk: SlackDesk) -> None:
    async with chat(desk):
        await said(desk.marcus, "take HD-1001")
        await desk.marcus.open_home()
        words = shown(desk.workspace.homes[MARCUS])
        assert words.count("HD-1001") == 2
        assert "My open tickets" in words
        await Person(desk.wire, OUTSIDER).open_home()
        assert "HD-1001" not in shown(desk.workspace.homes[OUTSIDER])


async def test_who_is_given_a_ticket_is_told_once_and_who_takes_one_is_not(desk: SlackDesk) -> None:
    async with chat(desk):
        await said(desk.marcus, "take HD-1001")
        await said(desk.marcus, f"assign HD-1001 <@{PRIYA}>")
        told = await desk.slack.until(
            lambda: [call for call in desk.slack.calls("chat.postMessage") if call.body["channel"] == PRIYA]
        )
        assert "Marcus Bell has given you a ticket." in told[0].body["text"]
        await said(desk.marcus, "priority HD-1001 high")
        direct = [c for c in desk.slack.calls("chat.postMessage") if c.body["channel"] in {PRIYA, MARCUS}]
        assert len(direct) == 1


async def test_a_direct_message_waits_for_the_end_of_quiet_hours(desk: SlackDesk) -> None:
    async with chat(desk):
        assert "Quiet from 00:00 to 23:59" in await said(desk.priya, "quiet 00:00-23:59")
        await said(desk.marcus, f"assign HD-1001 <@{PRIYA}>")
        await desk.slack.until(lambda: desk.workspace.scheduled)
        assert desk.workspace.scheduled[0]["channel"] == PRIYA


async def test_an_account_with_another_address_is_linked_once_in_the_console(desk: SlackDesk) -> None:
    home = desk.workspace.add_user("U0HOME", "M. Bell", "mbell@private.example")
    desk.workspace.channels[TRIAGE].members.add(home)
    person = Person(desk.wire, home)
    assert "Only the desk's technicians" in await said(person, "list mine")
    found = re.search(r"/console/link/[A-Za-z0-9_-]{32}", await said(person, "link"))
    assert found
    page = desk.served.base + found[0]
    cookies = await desk.served.sign_in("Marcus Bell")
    async with aiohttp.ClientSession(cookies=dict(cookies)) as browser:
        async with browser.get(page) as shown_page:
            text = await shown_page.text()
            assert "M. Bell" in text
        assert "Only the desk's technicians" in await said(person, "list mine")
        csrf = re.search(r'name="csrf" value="([0-9a-f]+)"', text)
        assert csrf
        form, origin = {"csrf": csrf[1]}, {"Origin": desk.served.base}
        async with browser.post(page, data={"csrf": "0"}, headers=origin) as refused:
            assert refused.status == 403
        async with browser.post(page, data=form, headers=origin) as done:
            assert "Marcus Bell" in await done.text()
        async with browser.post(page, data=form, headers=origin) as again:
            assert again.status == 410
    assert "No tickets." in await said(person, "list mine")


async def test_an_outsider_cannot_begin_to_link(desk: SlackDesk) -> None:
    assert "Only full members" in await said(Person(desk.wire, OUTSIDER), "link")
