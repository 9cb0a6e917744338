"""Routing: which channels are told of what, in which lane."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from chatdesk.config import Config, StaffChannel
from chatdesk.conversation import Author, AuthorKind, Message, Visibility
from chatdesk.effects import MailKind, MailRequester, StartTimer
from chatdesk.ids import new_id
from chatdesk.outbox import MAIL_TARGET, TIMER_TARGET, DeliveryKind
from chatdesk.routing import Router
from tests.desk_builders import CHAT, NORTHWIND, TICKET, TUESDAY, conversation, ticket

CUSTOMER = Author(AuthorKind.CUSTOMER, "visitor-dana", "Dana Reyes")
AGENT = Author(AuthorKind.AGENT, "marcus", "Marcus")


def with_staff(*names: str) -> Config:
    present = {name: StaffChannel("T1", {}) for name in names}
    staff = replace(NORTHWIND.staff, **present)
    return replace(NORTHWIND, staff=staff)


def targets(
    author: Author, visibility: Visibility = Visibility.PUBLIC, *, channel: str = "web", origin: str = "web"
) -> list[str]:
    router = Router(with_staff("slack", "teams"), new_id)
    message = Message(CHAT, 1, author, visibility, "Hello", TUESDAY, changed=1)
    routed = router.message(message, conversation(channel=channel), origin, TUESDAY, revised=False)
    return [delivery.target for delivery in routed]


@pytest.mark.parametrize(
    ("author", "visibility", "channel", "origin", "expected"),
    [
        (CUSTOMER, Visibility.PUBLIC, "web", "web", ["slack", "teams"]),
        (AGENT, Visibility.PUBLIC, "web", "web", ["slack", "teams"]),
        (AGENT, Visibility.PUBLIC, "web", "slack", ["teams"]),
        (AGENT, Visibility.INTERNAL, "web", "web", ["slack", "teams"]),
        (AGENT, Visibility.INTERNAL, "web", "teams", ["slack"]),
        (CUSTOMER, Visibility.PUBLIC, "email", "email", ["slack", "teams"]),
    ],
)
def test_staff_channels_are_told_of_every_message_but_the_one_that_brought_it(
    author: Author, visibility: Visibility, channel: str, origin: str, expected: list[str]
) -> None:
    assert targets(author, visibility, channel=channel, origin=origin) == expected


def test_a_requester_who_wrote_from_the_other_form_of_their_address_gets_an_answer_once() -> None:
    router = Router(NORTHWIND, new_id)
    asked = ticket(requester_email="Dana@bücher.example")
    chat = conversation(channel="email", visitor="mail:dana@xn--bcher-kva.example")
    [mail] = router.mails(MailRequester(MailKind.COMMENT, "On it."), asked, chat, TUESDAY)
    assert mail.payload["to"] == "dana@xn--bcher-kva.example"


def test_a_technician_and_a_customer_in_the_same_service_are_both_told_of_what_the_other_wrote() -> None:
    router = Router(with_staff("teams"), new_id)
    chat = conversation(channel="teams")
    answer = Message(CHAT, 1, AGENT, Visibility.PUBLIC, "Hello", TUESDAY, changed=1)
    question = Message(CHAT, 2, CUSTOMER, Visibility.PUBLIC, "Hello?", TUESDAY, changed=2)
    told = [
        [
            (delivery.target, delivery.payload)
            for delivery in router.message(one, chat, "teams", TUESDAY, revised=False)
        ]
        for one in (answer, question)
    ]
    assert told == [[("teams", {"to": "customer"})], [("teams", {"to": "staff"})]]


def test_a_desk_without_staff_channels_sends_nothing_for_a_chat_on_the_web() -> None:
    message = Message(CHAT, 1, AGENT, Visibility.PUBLIC, "Hello", TUESDAY, changed=1)
    assert (
        list(Router(NORTHWIND, new_id).message(message, conversation(), "web", TUESDAY, revised=False)) == []
    )


@pytest.mark.parametrize(
    ("author", "visibility", "expected"),
    [
        (AGENT, Visibility.PUBLIC, ["slack"]),
        (AGENT, Visibility.INTERNAL, []),
        (CUSTOMER, Visibility.PUBLIC, []),
    ],
)
def test_a_customer_in_slack_is_sent_public_messages_of_the_desk_only(
    author: Author, visibility: Visibility, expected: list[str]
) -> None:
    message = Message(CHAT, 1, author, visibility, "Hello", TUESDAY, changed=1)
    routed = Router(NORTHWIND, new_id).message(
        message, conversation(channel="slack"), "web", TUESDAY, revised=False
    )
    assert [delivery.target for delivery in routed] == expected


def test_messages_of_one_ticket_share_a_lane_and_are_known_by_number() -> None:
    message = Message(CHAT, 7, AGENT, Visibility.PUBLIC, "Hello", TUESDAY, changed=7)
    (routed,) = Router(with_staff("slack"), new_id).message(
        message, conversation(), "web", TUESDAY, revised=True
    )
    assert (routed.lane, routed.kind, routed.seq) == (str(TICKET), DeliveryKind.REVISION, 7)
    assert (routed.ticket, routed.conversation, routed.due_at) == (TICKET, CHAT, TUESDAY)


def test_a_conversation_without_a_ticket_is_a_lane_of_its_own() -> None:
    message = Message(CHAT, 1, AGENT, Visibility.PUBLIC, "Hello", TUESDAY, changed=1)
    chat = conversation(ticket=None)
    (routed,) = Router(with_staff("slack"), new_id).message(message, chat, "web", TUESDAY, revised=False)
    assert routed.lane == CHAT


def test_a_mail_goes_to_the_tickets_requester() -> None:
    effect = MailRequester(MailKind.STATUS, "Work goes on.")
    (mail,) = Router(NORTHWIND, new_id).mails(effect, ticket(), conversation(), TUESDAY)
    assert (mail.target, mail.kind, mail.lane) == (MAIL_TARGET, DeliveryKind.MAIL, str(TICKET))
    assert mail.payload == {"mail": "status", "to": "dana@contoso.example", "text": "Work goes on."}


@pytest.mark.parametrize(
    ("visitor", "addresses"),
    [
        ("secret", ["dana@contoso.example"]),
        ("mail:dana@contoso.example", ["dana@contoso.example"]),
        ("mail:sam@contoso.example", ["dana@contoso.example", "sam@contoso.example"]),
    ],
    ids=["chat", "the requester's mail", "another's mail"],
)
def test_an_answer_goes_to_the_requester_and_to_whoever_wrote_the_mail_it_answers(
    visitor: str, addresses: list[str]
) -> None:
    effect = MailRequester(MailKind.COMMENT, "It is repaired.")
    chat = conversation(visitor=visitor, last_seq=7)
    mails = list(Router(NORTHWIND, new_id).mails(effect, ticket(), chat, TUESDAY))
    assert [mail.payload["to"] for mail in mails] == addresses
    assert {mail.seq for mail in mails} == {7}


def test_a_timer_waits_for_nobody_and_keeps_its_time() -> None:
    due = TUESDAY.replace(hour=23)
    router = Router(NORTHWIND, new_id)
    first = router.timer(StartTimer("no_answer", due), None, conversation())
    second = router.timer(StartTimer("auto_close", due, of_ticket=True), TICKET, conversation())
    assert first.lane == first.id != second.lane
    assert (first.target, first.due_at, first.payload["due"]) == (TIMER_TARGET, due, due.isoformat())
    assert (second.ticket, second.payload["of_ticket"]) == (TICKET, True)


def test_a_tickets_card_goes_to_each_staff_channel() -> None:
    router = Router(with_staff("slack", "teams"), new_id)
    cards = list(router.ticket(ticket(), conversation(), TUESDAY, "chat waiting"))
    assert [card.target for card in cards] == ["slack", "teams"]
    assert {card.payload["reason"] for card in cards} == {"chat waiting"}
    assert len({card.id for card in cards}) == 2
