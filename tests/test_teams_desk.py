"""The desk from Teams, end to end against a strict connector: cards, threads, buttons, commands."""

from __future__ import annotations

import asyncio
import json
from datetime import UTC, datetime
from functools import partial

import pytest

from chatdesk.account_links import AccountLinks
from chatdesk.conversation import ConversationId, Message, Visibility
from chatdesk.events import CustomerEnded, SurveySubmitted, TicketAssigned, TicketEdited
from chatdesk.ticket import Priority, TicketNumber
from storage.adapter_notes import TortoiseAdapterNotes, TortoiseIdentities
from tests.desk_builders import ANSWERS
from tests.fake_connector.connector import CHANNEL, Entry, Json
from tests.fake_connector.running import CLIENT_TENANT, DANA, MARCUS, PRIYA, Person, TeamsDesk, teams_desk

FIRST = TicketNumber(1001)


def moment() -> datetime:
    return datetime.now(UTC)


async def chat_on_the_web(desk: TeamsDesk, issue: str = "Outlook does not open.") -> Entry:
    """Let a customer begin a chat on the web; return the card that announces it."""
    event = SurveySubmitted(
        at=moment(),
        channel="web",
        external_id="survey-1",
        conversation=ConversationId("w" * 24),
        visitor="visitor-dana",
        widget="desk",
        answers=tuple({**ANSWERS, "issue": issue}.items()),
    )
    _ = await desk.running.desk.receive(event)
    await desk.connector.until(lambda: len(desk.connector.standing()) >= 2)
    return desk.connector.standing()[0]


async def messages(desk: TeamsDesk, number: TicketNumber = FIRST) -> list[Message]:
    file = await desk.running.services.staff_reads.ticket_file(number)
    assert file is not None
    return list(file.messages)


async def said(desk: TeamsDesk, text: str) -> Message:
    """Return the message with that text; it has to be there."""
    return next(message for message in await messages(desk) if message.text == text)


async def status(desk: TeamsDesk, number: TicketNumber = FIRST) -> str:
    ticket = await desk.running.services.staff_reads.ticket(number)
    assert ticket is not None
    return ticket.status.value


async def assignee(desk: TeamsDesk, number: TicketNumber = FIRST) -> str:
    ticket = await desk.running.services.staff_reads.ticket(number)
    assert ticket is not None
    account = await desk.running.staff.account(ticket.assignee or "")
    return account.name if account else ""


def card_of(answer: Json) -> str:
    assert answer["type"] == "application/vnd.microsoft.card.adaptive", answer
    return json.dumps(answer["value"])


async def fill_in(desk: TeamsDesk, person: Person, **answers: str) -> Json:
    fields = {f"answer_{name}": text for name, text in {**ANSWERS, **answers}.items()}
    return await desk.press(person, "customer_survey", shown=[*ANSWERS], **fields)


def shows(desk: TeamsDesk, person: Person, wanted: str) -> bool:
    """Tell whether the words stand in the person's chat with the bot."""
    return any(wanted in json.dumps(entry.activity) for entry in desk.connector.standing(person.chat))


async def assign(desk: TeamsDesk, by: Person, to: Person) -> None:
    """Let one technician give the ticket to another, in the console."""
    assigned = TicketAssigned(
        at=moment(),
        channel="web",
        external_id="assign-1",
        ticket=FIRST,
        agent=desk.accounts[by.id].agent,
        assignee=desk.accounts[to.id].agent,
    )
    _ = await desk.running.desk.receive(assigned)


async def test_a_new_chat_posts_one_card_and_its_messages_in_the_cards_thread() -> None:
    async with teams_desk() as desk:
        card = await chat_on_the_web(desk)
        assert card.conversation == f"{CHANNEL};messageid={card.id}"
        for word in (
            "HD-1001",
            "Contoso",
            "Dana Reyes",
            "555-0134",
            "standard",
            "Only me",
            "Take",
            "Resolve",
        ):
            assert word in card.card_text
        assert card.card["version"] == "1.5"
        text = await desk.last_text(card.conversation, "Outlook does not open.")
        assert text.startswith("Dana Reyes:")
        assert [entry for entry in desk.connector.standing() if entry.activity.get("attachments")] == [card]


async def test_take_reply_note_wait_and_resolve_are_done_on_the_card_in_place() -> None:
    async with teams_desk() as desk:
        await desk.hire(MARCUS)
        card = await chat_on_the_web(desk)
        assert "Marcus Bell" in card_of(await desk.press(MARCUS, "take", ticket=1001))
        assert "LIVE with Dana Reyes (Contoso)" in card_of(await desk.press(MARCUS, "show", ticket=1001))
        await desk.press(MARCUS, "reply", ticket=1001, text_reply="Which version?")
        await desk.press(MARCUS, "note", ticket=1001, text_note="Known bug.")
        assert (await said(desk, "Which version?")).visibility is Visibility.PUBLIC
        assert (await said(desk, "Known bug.")).visibility is Visibility.INTERNAL
        await desk.last_text(card.conversation, "Marcus Bell, to the customer:\nWhich version?")
        await desk.last_text(card.conversation, "Marcus Bell, internal note:\nKnown bug.")
        wait = await desk.press(MARCUS, "wait", ticket=1001, on="customer", text_wait="Please restart.")
        assert "waiting on customer" in card_of(wait)
        done = await desk.press(MARCUS, "resolve", ticket=1001, text_resolve="Repaired the profile.")
        assert "Repaired the profile." in card_of(done)
        await desk.connector.until(lambda: "Repaired the profile." in card.card_text)
        assert await status(desk) == "closed"
        cards = [
            entry for entry in desk.connector.standing(card.conversation) if "attachments" in entry.activity
        ]
        assert len(cards) == 1


async def test_the_card_follows_a_customer_who_leaves() -> None:
    async with teams_desk() as desk:
        card = await chat_on_the_web(desk)
        await desk.connector.until(lambda: "customer is waiting" in card.card_text)
        ended = CustomerEnded(
            at=moment(),
            channel="web",
            external_id="end-1",
            conversation=ConversationId("w" * 24),
            visitor="visitor-dana",
        )
        _ = await desk.running.desk.receive(ended)
        await desk.connector.until(lambda: "HD-1001 · new" in card.card_text)


async def test_the_card_shows_a_priority_that_was_changed_elsewhere() -> None:
    async with teams_desk() as desk:
        await desk.hire(MARCUS)
        card = await chat_on_the_web(desk)
        edited = TicketEdited(
            at=moment(),
            channel="web",
            external_id="edit-1",
            ticket=FIRST,
            agent=desk.accounts[MARCUS.id].agent,
            priority=Priority.CRITICAL,
        )
        _ = await desk.running.desk.receive(edited)
        await desk.connector.until(lambda: "critical" in card.card_text)


async def test_a_colleagues_ticket_is_taken_over_and_handed_over_on_the_card() -> None:
    async with teams_desk() as desk:
        await desk.hire(MARCUS, PRIYA)
        await chat_on_the_web(desk)
        marcus = desk.accounts[MARCUS.id].id
        assert "Take over" in card_of(await desk.press(MARCUS, "take", ticket=1001))
        # Who pressed what an old card still offers hears why not.
        refused = await desk.press(PRIYA, "take", ticket=1001)
        assert refused["value"] == "HD-1001 has been taken already. Ask for it to be handed over."
        _ = card_of(await desk.press(PRIYA, "take_over", ticket=1001))
        assert await assignee(desk) == PRIYA.name
        _ = card_of(await desk.press(PRIYA, "hand_over", ticket=1001, to=marcus, text_hand_over="Knows Dana"))
        assert await assignee(desk) == MARCUS.name
        assert (await desk.press(MARCUS, "hand_over", ticket=1001, to=""))["value"] == "Choose a technician."
        # One's own ticket is taken again without a word.
        _ = card_of(await desk.press(MARCUS, "take_over", ticket=1001))
        assert await assignee(desk) == MARCUS.name


async def test_a_reply_on_the_card_that_is_marked_as_a_note_stays_internal() -> None:
    async with teams_desk() as desk:
        await desk.hire(MARCUS)
        await chat_on_the_web(desk)
        await desk.press(MARCUS, "take", ticket=1001)
        await desk.press(MARCUS, "reply", ticket=1001, text_reply="// Old laptop")
        assert (await said(desk, "Old laptop")).visibility is Visibility.INTERNAL


async def test_a_refused_step_says_why_and_changes_nothing() -> None:
    async with teams_desk() as desk:
        await desk.hire(MARCUS)
        await chat_on_the_web(desk)
        answer = await desk.press(MARCUS, "reply", ticket=1001, text_reply="Hello")
        assert answer["value"] == "Take the chat first."
        assert (await desk.press(MARCUS, "take", ticket=9999))["value"] == "The ticket was not found."
        assert await status(desk) == "new"


async def test_replies_in_the_thread_go_where_their_writer_means_them_to_go() -> None:
    async with teams_desk() as desk:
        await desk.hire(MARCUS, PRIYA)
        thread = (await chat_on_the_web(desk)).conversation
        await desk.press(MARCUS, "take", ticket=1001)
        await desk.say(MARCUS, "Good morning, Dana.", thread)
        await desk.say(MARCUS, "// she sounds cross", thread)
        await desk.say(PRIYA, "I had that yesterday.", thread)
        await desk.mention(PRIYA, "Try the web version, please.", thread)
        seen = {message.text: message.visibility for message in await messages(desk)}
        assert seen["Good morning, Dana."] is Visibility.PUBLIC
        assert seen["she sounds cross"] is Visibility.INTERNAL
        assert seen["I had that yesterday."] is Visibility.INTERNAL
        assert seen["Try the web version, please."] is Visibility.PUBLIC
        assert not [text for text in desk.connector.texts(thread) if "Good morning" in text]


@pytest.mark.parametrize("text", ["\u200b// for us", "&nbsp;// for us", "*// for us*", "> // for us"])
async def test_a_note_stays_internal_whatever_stands_before_its_mark(text: str) -> None:
    async with teams_desk() as desk:
        await desk.hire(MARCUS)
        thread = (await chat_on_the_web(desk)).conversation
        await desk.press(MARCUS, "take", ticket=1001)
        await desk.say(MARCUS, text, thread)
        await desk.mention(MARCUS, text, thread)
        notes = [message.visibility for message in await messages(desk) if message.text == "for us"]
        assert notes == [Visibility.INTERNAL] * 2


async def test_people_who_are_not_staff_can_do_nothing_in_the_channel() -> None:
    outsider = Person("29:eve", "aad-eve", "Eve", CLIENT_TENANT)
    guest = Person("29:guest", "aad-guest", "Marcus Bell")
    async with teams_desk() as desk:
        await desk.hire(MARCUS)
        address = "marcus@northwind.example"
        desk.connector.members[guest.id] = {
            "id": guest.id,
            "objectId": guest.aad,
            "email": address,
            "userPrincipalName": "marcus_northwind.example#EXT#@northwind.example",
        }
        desk.connector.members[outsider.id] = {"id": outsider.id, "objectId": outsider.aad, "email": address}
        thread = (await chat_on_the_web(desk)).conversation
        before = len(await messages(desk))
        for person in (outsider, guest):
            answer = await desk.press(person, "take", ticket=1001)
            assert "Only technicians" in answer["value"]
            await desk.mention(person, "Hello customer", thread)
        assert await status(desk) == "new"
        assert len(await messages(desk)) == before


async def test_edits_and_deletions_follow_and_a_message_made_a_note_is_taken_back() -> None:
    async with teams_desk() as desk:
        await desk.hire(MARCUS)
        thread = (await chat_on_the_web(desk)).conversation
        await desk.press(MARCUS, "take", ticket=1001)
        first = await desk.say(MARCUS, "Helo", thread)
        second = await desk.say(MARCUS, "To be deleted", thread)
        third = await desk.say(MARCUS, "The password is wrong again", thread)
        edit = {**first, "type": "messageUpdate", "text": "Hello", "timestamp": "2026-11-21T10:01:00Z"}
        assert (await desk.call(edit))[0] == 200
        assert (await desk.call(edit))[0] == 200
        assert (await desk.call({**second, "type": "messageDelete", "text": ""}))[0] == 200
        note = {**third, "type": "messageUpdate", "text": "// The password is wrong again"}
        assert (await desk.call(note))[0] == 200
        found = await messages(desk)
        assert (await said(desk, "Hello")).edited_at is not None
        assert sum(message.deleted_at is not None for message in found) == 2
        assert not any("password" in message.text for message in found)


async def test_an_edit_on_the_web_changes_the_message_in_the_thread() -> None:
    from chatdesk.conversation import Author, AuthorKind
    from chatdesk.events import CustomerMessaged, MessageDeleted, MessageEdited

    async with teams_desk() as desk:
        thread = (await chat_on_the_web(desk)).conversation
        chat, by = ConversationId("w" * 24), Author(AuthorKind.CUSTOMER, "visitor-dana", "Dana Reyes")
        receive = desk.running.desk.receive
        wrote = await receive(
            CustomerMessaged(
                at=moment(), channel="web", external_id="m1", conversation=chat, visitor=by.id, text="Helo?"
            )
        )
        await desk.last_text(thread, "Helo?")
        await receive(
            MessageEdited(
                at=moment(),
                channel="web",
                external_id="m2",
                conversation=chat,
                by=by,
                seq=wrote.seq,
                text="Hello?",
            )
        )
        assert "(edited)" in await desk.last_text(thread, "Hello?")
        await receive(
            MessageDeleted(
                at=moment(), channel="web", external_id="m3", conversation=chat, by=by, seq=wrote.seq
            )
        )
        await desk.connector.until(lambda: not any("Hello?" in text for text in desk.connector.texts(thread)))


async def test_technicians_command_the_desk_in_their_direct_chat() -> None:
    async with teams_desk() as desk:
        await desk.hire(MARCUS)
        await chat_on_the_web(desk)
        await desk.say(MARCUS, "help")
        await desk.last_text(MARCUS.chat, "queue: open tickets")
        for command, wanted in [
            ("queue", "Outlook does not open."),
            ("hd-1001", "Dana Reyes"),
            ("take HD-1001", "Marcus Bell"),
            ("mine", "HD-1001"),
            ("find Outlook", "Found for Outlook"),
            ("new printer", "Log a call"),
            ("resolve HD-1001 Repaired.", "Repaired."),
        ]:
            await desk.say(MARCUS, command)
            await desk.connector.until(partial(shows, desk, MARCUS, wanted))
        assert await status(desk) == "closed"


async def test_a_call_is_logged_with_the_survey_and_problems_come_back_beside_their_field() -> None:
    async with teams_desk() as desk:
        await desk.hire(MARCUS)
        fields = {f"answer_{name}": text for name, text in ANSWERS.items()}
        wrong = await desk.press(MARCUS, "log_call", shown=[*ANSWERS], **{**fields, "answer_email": "nobody"})
        assert "Please enter an e-mail address" in card_of(wrong)
        assert "Outlook does not open." in card_of(wrong)
        made = await desk.press(MARCUS, "log_call", shown=[*ANSWERS], **fields)
        assert "HD-1001" in card_of(made)


async def test_a_repeated_invoke_opens_one_ticket() -> None:
    async with teams_desk() as desk:
        await desk.hire(MARCUS)
        data = {"shown": [*ANSWERS], **{f"answer_{name}": text for name, text in ANSWERS.items()}}
        value = {"action": {"type": "Action.Execute", "verb": "log_call", "data": data}}
        activity = desk.activity(MARCUS, type="invoke", name="adaptiveCard/action", value=value)
        answers = await asyncio.gather(*(desk.call(activity) for _ in range(5)))
        assert {"HD-1001" in json.dumps(body) for _, body in answers} == {True}
        assert await desk.running.services.staff_reads.ticket(TicketNumber(1002)) is None


async def test_a_technician_who_never_wrote_to_the_bot_is_told_in_a_chat_that_it_opens() -> None:
    async with teams_desk() as desk:
        await desk.hire(MARCUS, PRIYA)
        thread = (await chat_on_the_web(desk)).conversation
        await desk.press(PRIYA, "show", thread, ticket=1001)
        await assign(desk, MARCUS, PRIYA)
        opened = f"direct:{PRIYA.id}"
        await desk.connector.until(lambda: bool(desk.connector.standing(opened)))
        assert "HD-1001" in desk.connector.standing(opened)[0].card_text


async def test_a_card_sent_by_submit_is_answered_with_a_card_of_its_own() -> None:
    async with teams_desk() as desk:
        await desk.hire(MARCUS)
        await chat_on_the_web(desk)
        submitted = desk.activity(MARCUS, value={"verb": "take", "ticket": 1001})
        assert (await desk.call(submitted))[0] == 200
        await desk.connector.until(partial(shows, desk, MARCUS, "Marcus Bell"))
        assert await status(desk) == "assigned"


async def test_a_technician_is_told_directly_when_somebody_assigns_a_ticket_to_them() -> None:
    async with teams_desk() as desk:
        await desk.hire(MARCUS, PRIYA)
        await chat_on_the_web(desk)
        await desk.say(PRIYA, "help")
        await desk.last_text(PRIYA.chat, "queue:")
        await assign(desk, MARCUS, PRIYA)
        seen = desk.connector.standing
        await desk.connector.until(lambda: any("attachments" in e.activity for e in seen(PRIYA.chat)))
        told = [entry for entry in seen(PRIYA.chat) if "attachments" in entry.activity]
        assert len(told) == 1
        assert "HD-1001" in told[0].card_text


async def test_a_customer_in_teams_answers_the_survey_and_chats_in_the_same_chat() -> None:
    async with teams_desk() as desk:
        await desk.hire(MARCUS)
        await desk.say(DANA, "My mail is broken")
        seen = desk.connector.standing
        await desk.connector.until(lambda: bool(seen(DANA.chat)))
        survey = seen(DANA.chat)[0].card_text
        assert "My mail is broken" in survey
        assert "Contoso" in survey
        assert "HD-1001" in card_of(await fill_in(desk, DANA, company="Somebody else"))
        await desk.last_text(DANA.chat, "Your ticket is HD-1001")
        conversation = (await messages(desk))[0].conversation
        found = await desk.running.services.staff_reads.conversation(conversation)
        assert found is not None
        assert (found.company_id, found.channel) == ("contoso", "teams")
        await desk.press(MARCUS, "take", ticket=1001)
        await desk.last_text(DANA.chat, "Marcus Bell from the help desk has joined")
        thread = next(e.conversation for e in seen() if e.conversation.startswith(CHANNEL))
        await desk.say(DANA, "Are you there?")
        assert (await desk.last_text(thread, "Are you there?")).startswith("Dana Reyes:")
        await desk.say(MARCUS, "Yes, I am here.", thread)
        assert await desk.last_text(DANA.chat, "Yes, I am here.") == "Marcus Bell: Yes, I am here."
        await desk.say(MARCUS, "// difficult customer", thread)
        await desk.say(DANA, "status")
        await desk.connector.until(
            lambda: any("Your tickets" in json.dumps(e.activity) for e in seen(DANA.chat))
        )
        await desk.press(MARCUS, "resolve", ticket=1001, text_resolve="Repaired.")
        await desk.last_text(DANA.chat, "HD-1001 is closed")
        assert not [text for text in desk.connector.texts(DANA.chat) if "difficult" in text]
        await desk.say(DANA, "It is broken again")
        await desk.last_text(thread, "It is broken again")
        assert await status(desk) == "assigned"


async def test_a_customers_text_is_shown_as_it_is_without_mentions_or_markup() -> None:
    nasty = "<at>everyone</at> **bold** [link](http://evil.example.com) <script>alert(1)</script> @everyone"
    async with teams_desk() as desk:
        card = await chat_on_the_web(desk, nasty)
        await desk.last_text(card.conversation, nasty)
        for entry in desk.connector.standing():
            assert not entry.activity.get("entities")
            assert entry.activity.get("textFormat") in (None, "plain")
        shown = [run["text"] for part in card.card["body"] for run in part.get("inlines", ())]
        assert any("[link](http://evil.example.com)" in text for text in shown)
        assert {part["type"] for part in card.card["body"]} == {"RichTextBlock", "ColumnSet"}
        assert '"TextBlock"' not in card.card_text


@pytest.mark.parametrize("letter", ["x", "\u00fc", "\u4e16", "\U0001f600"])
async def test_the_longest_answers_and_messages_stay_under_the_limits_of_teams(letter: str) -> None:
    async with teams_desk() as desk:
        card = await chat_on_the_web(desk, letter * 4000)
        texts = partial(desk.connector.texts, card.conversation)
        await desk.connector.until(lambda: "".join(texts()).count(letter) >= 4000)
        for entry in desk.connector.standing():
            assert len(json.dumps(entry.activity)) < 28_000


async def test_an_account_is_linked_by_a_code_that_is_confirmed_in_the_console() -> None:
    other = Person("29:lee", "aad-lee", "Lee Ito")
    async with teams_desk() as desk:
        account = await desk.running.staff.add("Lee Ito", "lee@elsewhere.example", None, moment())
        await desk.say(other, "Link")
        told = await desk.last_text(other.chat, "https://desk.example.com/console/link/")
        notes = TortoiseAdapterNotes(desk.running.database)
        links = AccountLinks(notes, TortoiseIdentities(desk.running.database))
        code = told.rpartition("/")[2]
        pending = await links.pending(code, moment())
        assert pending is not None
        assert (pending.provider, pending.name) == ("teams", "Lee Ito")
        await desk.say(other, "queue")
        await desk.connector.until(partial(shows, desk, other, "Call-back number"))
        assert await links.confirm(code, account.id, moment())
        await desk.say(other, "queue")
        await desk.connector.until(partial(shows, desk, other, "No open tickets."))


async def test_people_of_other_tenants_get_no_code() -> None:
    async with teams_desk() as desk:
        await desk.say(DANA, "link")
        await desk.connector.until(partial(shows, desk, DANA, "Call-back number"))
        assert not shows(desk, DANA, "/console/link/")
