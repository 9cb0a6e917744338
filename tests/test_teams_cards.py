"""What a ticket's card and thread in Teams tell its technicians, whoever changed it and wherever."""

from __future__ import annotations

import json
from functools import partial
from typing import Any

from chatdesk.config import parse_config
from chatdesk.conversation import ConversationId
from chatdesk.events import (
    CustomerEnded,
    CustomerMessaged,
    CustomerRated,
    PortalCommented,
    SurveySubmitted,
    TicketAffects,
    TicketAssigned,
    TicketEdited,
    TicketEscalated,
    TicketMerged,
    TicketResolved,
)
from chatdesk.ids import new_id
from chatdesk.ticket import TicketNumber
from tests.desk_builders import ANSWERS, TIERS
from tests.fake_connector.connector import Entry, Failure
from tests.fake_connector.running import MARCUS, PRIYA, TEAMS_DESK, Person, TeamsDesk, teams_desk
from tests.test_teams_desk import FIRST, chat_on_the_web, messages, moment


async def step(desk: TeamsDesk, kind: Any, **facts: Any) -> None:
    """Let Marcus do something to the ticket in the console."""
    agent = desk.accounts[MARCUS.id].agent
    facts = {"ticket": FIRST, **facts}
    await desk.running.desk.receive(
        kind(at=moment(), channel="web", external_id=new_id(), agent=agent, **facts)
    )


def shows_now(card: Entry, words: str) -> bool:
    return words in card.card_text


def direct(desk: TeamsDesk, person: Person) -> list[str]:
    """Return the words of the cards that the person was sent."""
    return [one.text for one in desk.connector.standing(person.chat) if "attachments" in one.activity]


async def test_the_card_names_whom_the_ticket_affects_besides() -> None:
    async with teams_desk() as desk:
        await desk.hire(MARCUS)
        card = await chat_on_the_web(desk)
        assert "Also affected" not in card.card_text
        await step(desk, TicketAffects, address="pat@contoso.example", name="Pat Lee")
        await desk.connector.until(lambda: "Also affected" in card.card_text and "Pat Lee" in card.card_text)


async def test_a_comment_of_somebody_affected_does_not_pass_for_the_requesters() -> None:
    async with teams_desk() as desk:
        await desk.hire(MARCUS)
        card = await chat_on_the_web(desk)
        await step(desk, TicketAffects, address="pat@contoso.example", name="Pat Lee")
        comment = PortalCommented(
            at=moment(), channel="portal", external_id=new_id(), conversation=ConversationId(new_id()),
            ticket=FIRST, sender="pat@contoso.example", name="Pat Lee", text="Here too", affected=True,
        )  # fmt: skip
        await desk.running.desk.receive(comment)
        text = await desk.last_text(card.conversation, "Here too")
        assert text == "Pat Lee, also affected:\nHere too"


async def test_the_technicians_of_a_tier_are_told_of_its_tickets_and_of_those_that_come_back() -> None:
    async with teams_desk(parse_config(TEAMS_DESK + TIERS, "chatdesk.toml")) as desk:
        await desk.hire(MARCUS, PRIYA)
        await chat_on_the_web(desk)
        await desk.say(PRIYA, "help")
        await desk.last_text(PRIYA.chat, "queue:")
        priya = desk.accounts[PRIYA.id].agent
        await step(desk, TicketAssigned, assignee=priya, reason="Knows Dana")
        await desk.connector.until(lambda: len(direct(desk, PRIYA)) == 1)
        sent = next(one.card for one in desk.connector.standing(PRIYA.chat) if "attachments" in one.activity)
        assert sent["refresh"]["userIds"] == [PRIYA.id]
        again = await desk.press(
            PRIYA, sent["refresh"]["action"]["verb"], **sent["refresh"]["action"]["data"]
        )
        assert again["value"]["refresh"] == sent["refresh"]
        desk.connector.failures.append(Failure(429, {"Retry-After": "1"}))
        await step(desk, TicketEscalated, tier="network", reason="The core flaps.")
        await desk.connector.until(lambda: len(direct(desk, PRIYA)) == 2)
        await step(desk, TicketAssigned, assignee=priya)
        await desk.connector.until(lambda: len(direct(desk, PRIYA)) == 3)
        assert direct(desk, PRIYA) == [
            "Marcus Bell has given you a ticket: Knows Dana",
            "Marcus Bell has escalated a ticket to Network team: The core flaps.",
            "Marcus Bell has given you a ticket.",
        ]


SECOND, ANA = TicketNumber(1002), ConversationId("a" * 24)


async def ana_chats(desk: TeamsDesk) -> str:
    """Let a second customer begin a chat; return the thread of its card."""
    answers = {**ANSWERS, "name": "Ana Lima", "email": "ana@contoso.example"}
    event = SurveySubmitted(
        at=moment(), channel="web", external_id=new_id(), conversation=ANA, visitor="visitor-ana",
        widget="desk", answers=tuple(answers.items()),
    )  # fmt: skip
    await desk.running.desk.receive(event)
    await desk.connector.until(lambda: any("HD-1002" in one.text for one in desk.connector.standing()))
    return next(one.conversation for one in desk.connector.standing() if "HD-1002" in one.text)


async def ana_does(desk: TeamsDesk, kind: Any, **facts: Any) -> None:
    visitor = {"conversation": ANA, "visitor": "visitor-ana"}
    await desk.running.desk.receive(
        kind(at=moment(), channel="web", external_id=new_id(), **visitor, **facts)
    )


async def heard_by_ana(desk: TeamsDesk) -> list[str]:
    return [one.text for one in await messages(desk) if one.conversation == ANA and one.is_answer]


async def test_two_live_chats_of_merged_tickets_go_on_each_in_its_own_thread() -> None:
    async with teams_desk() as desk:
        await desk.hire(MARCUS, PRIYA)
        first = (await chat_on_the_web(desk)).conversation
        second = await ana_chats(desk)
        await desk.press(MARCUS, "take", ticket=1001)
        await desk.press(PRIYA, "take", ticket=1002)
        await step(desk, TicketMerged, ticket=SECOND, into=FIRST)
        await ana_does(desk, CustomerMessaged, text="This is Ana")
        assert await desk.last_text(second, "This is Ana") == "Ana Lima:\nThis is Ana"
        await desk.say(PRIYA, "Hello Ana", second)
        await desk.say(MARCUS, "Hello Dana", first)
        assert await heard_by_ana(desk) == ["Hello Ana"]
        await ana_does(desk, CustomerEnded)
        await desk.last_text(first, "Ana Lima has ended the chat.")
        await desk.mention(PRIYA, "Are you there?", second)
        told = "HD-1002 is part of HD-1001 now; write in the thread of HD-1001."
        assert await desk.last_text(second, "is part of HD-1001 now") == told
        # Should the chat begin again, that is the other ticket's.
        await ana_does(desk, CustomerMessaged, text="I am back")
        await desk.last_text(first, "I am back")
        await desk.press(PRIYA, "take_over", ticket=1001)
        await ana_does(desk, CustomerMessaged, text="Hello?")
        await desk.last_text(first, "Hello?")


async def test_the_card_shows_workaround_resolution_and_rating() -> None:
    async with teams_desk() as desk:
        await desk.hire(MARCUS)
        card = await chat_on_the_web(desk)
        await step(desk, TicketEdited, workaround="Use the other printer.")
        await step(desk, TicketResolved, resolution="A new cable.")
        rated = CustomerRated(
            at=moment(), channel="web", external_id=new_id(), conversation=ConversationId("w" * 24),
            visitor="visitor-dana", score=2, comment="It took long",
        )  # fmt: skip
        await desk.running.desk.receive(rated)
        for words in ("Use the other printer.", "A new cable.", "2 of 5: It took long"):
            await desk.connector.until(partial(shows_now, card, words))


async def test_who_writes_before_they_take_the_chat_is_told_that_nobody_outside_reads_it() -> None:
    async with teams_desk() as desk:
        await desk.hire(MARCUS)
        card = await chat_on_the_web(desk)
        await desk.say(MARCUS, "// Old laptop", card.conversation)
        await desk.say(MARCUS, "Hello Dana", card.conversation)
        await desk.last_text(card.conversation, "Press Take to answer.")
        assert len([text for text in desk.connector.texts(card.conversation) if "Kept as" in text]) == 1


async def test_once_the_chat_is_over_only_a_mention_or_reply_goes_to_the_customer() -> None:
    async with teams_desk() as desk:
        await desk.hire(MARCUS)
        card = await chat_on_the_web(desk)
        await desk.connector.until(partial(shows_now, card, "until then this thread is internal"))
        await desk.press(MARCUS, "take", ticket=1001)
        await desk.say(MARCUS, "Hello Dana", card.conversation)
        await desk.press(MARCUS, "end", ticket=1001)
        await desk.last_text(card.conversation, "Marcus Bell has ended the chat.")
        await desk.connector.until(partial(shows_now, card, "This thread is internal."))
        await desk.say(MARCUS, "She always has this", card.conversation)
        await desk.mention(MARCUS, "It works again", card.conversation)
        seen = {message.text: message.visibility for message in await messages(desk)}
        assert seen["Hello Dana"] == seen["It works again"] == "public"
        assert seen["She always has this"] == "internal"


async def test_the_card_of_a_closed_ticket_lets_its_customer_be_answered() -> None:
    async with teams_desk() as desk:
        await desk.hire(MARCUS)
        await chat_on_the_web(desk)
        closed = await desk.press(MARCUS, "resolve", ticket=1001, text_resolve="A new cable.")
        titles = [action["title"] for action in closed["value"]["actions"]]
        assert titles == ["Reply", "Note", "Re-open", "Open in the console"]
        await desk.press(MARCUS, "reply", ticket=1001, text_reply="By the way")
        assert "By the way" in [message.text for message in await messages(desk) if message.is_answer]


async def test_the_rest_of_the_work_is_done_by_commands() -> None:
    async with teams_desk() as desk:
        await desk.hire(MARCUS)
        await chat_on_the_web(desk)
        await ana_chats(desk)
        for command, shown in [
            ("priority 1001 urgent", "A priority is one of critical, high, standard, low, scheduled."),
            ("priority 1001 High", "high"),
            ("end HD-1001", "There is no live chat about this ticket."),
            ("workaround HD-1001", "Write how the customer can work meanwhile."),
            ("workaround HD-1001 Use the web mail.", "Use the web mail."),
            ("merge HD-1002 HD-1001 HD-1003", "Name both tickets: merge HD-1024 into HD-1023"),
            ("merge HD-1002 into HD-1001", "This is part of HD-1001 now; go on there."),
            ("resolve HD-1001 A new cable.", "A new cable."),
            ("reopen HD-1001 too early", "HD-1001 · new"),
        ]:
            before = len(desk.connector.standing(MARCUS.chat))
            await desk.say(MARCUS, command)
            await desk.connector.until(partial(answered, desk, before, shown))


def answered(desk: TeamsDesk, before: int, wanted: str) -> bool:
    """Tell whether Marcus has got an answer with these words since ``before``."""
    since = desk.connector.standing(MARCUS.chat)[before:]
    return any(wanted in json.dumps(one.activity, ensure_ascii=False) for one in since)
