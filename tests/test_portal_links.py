"""Links to a ticket's page in the portal: who is given one in mail, and who is not [R32, R33]."""

from __future__ import annotations

from email import message_from_bytes
from email.policy import default

import pytest
from msgspec.structs import replace

from adapters.email.render import PORTAL, render_mail
from adapters.email.source import MailFacts
from chatdesk.bootstrap import now
from chatdesk.config import Config, parse_config
from chatdesk.conversation import Conversation, ConversationId
from chatdesk.effects import MailKind
from chatdesk.events import SurveySubmitted
from chatdesk.ids import new_id
from chatdesk.portal import link_to
from chatdesk.sender import STANDING, Standing, visitor_of
from chatdesk.ticket import TicketNumber
from tests.mail_builders import sent_mail
from tests.portal_people import PORTAL_DESK, portal_desk
from tests.running_desk import ServedDesk
from tests.transcript_builders import a_conversation, a_ticket, at

DANA, LEE, EVE, STRANGER = (
    "dana@contoso.example",
    "lee@contoso.example",
    "eve@fabrikam.example",
    "someone@elsewhere.example",
)
SITE = "https://desk.northwind.example"
TEXT = PORTAL_DESK.replace("[desk]", f'[desk]\npublic_url = "{SITE}"', 1)
PAGE = f"{SITE}/portal/tickets/HD-1001"


@pytest.fixture
def config() -> Config:
    return replace(parse_config(TEXT, "chatdesk.toml"), portal_opens=True)


def talk(visitor: str = "a-browser", company: str = "", **more: object) -> Conversation:
    """A conversation of the ticket HD-1001."""
    return replace(a_conversation(), visitor=visitor, ticket=TicketNumber(1001), company_id=company, **more)


def link(config: Config, address: str, conversation: Conversation, **ticket: object) -> str:
    ticket.setdefault("requester_email", DANA)
    return link_to(config, a_ticket(number=TicketNumber(1001), **ticket), conversation, address)


def test_the_requester_of_a_known_company_is_led_to_their_ticket(config: Config) -> None:
    assert link(config, DANA, talk()) == PAGE
    assert link(config, "Dana@Contoso.example", talk()) == PAGE


def test_without_a_portal_or_an_address_of_the_desk_there_is_no_link(config: Config) -> None:
    assert link(replace(config, portal_opens=False), DANA, talk()) == ""
    away = replace(config, desk=replace(config.desk, public_url=""))
    assert link(away, DANA, talk()) == ""


def test_whom_the_desk_does_not_know_is_led_nowhere(config: Config) -> None:
    assert link(config, STRANGER, talk(), requester_email=STRANGER, channel="form") == ""
    assert link(config, STRANGER, talk(), requester_email=STRANGER, channel="phone") == PAGE
    for standing, expected in ((Standing.VERIFIED, PAGE), (Standing.FAILED, "")):
        given = {"channel": "email", "answers": ((STANDING, standing.value),)}
        own = talk(visitor_of(STRANGER))
        assert link(config, STRANGER, own, requester_email=STRANGER, **given) == expected


def test_who_takes_part_by_mail_is_led_to_what_they_may_see_and_nobody_else_is(config: Config) -> None:
    assert link(config, EVE, talk(visitor_of(EVE))) == PAGE
    assert link(config, EVE, talk(visitor_of(DANA))) == ""
    assert link(config, EVE, talk()) == ""


def test_a_manager_is_led_to_a_ticket_of_the_company(config: Config) -> None:
    assert link(config, LEE, talk(company="contoso")) == PAGE
    assert link(config, LEE, talk(company="fabrikam")) == ""


def test_a_chat_that_a_merge_has_brought_leads_only_its_own_speaker_there(config: Config) -> None:
    other = TicketNumber(1002)
    assert link(config, DANA, talk(opened_with=other)) == ""
    assert link(config, EVE, talk(visitor_of(EVE), opened_with=other)) == PAGE


def test_the_mail_shows_the_link_whole_in_both_of_its_parts(config: Config) -> None:
    facts = MailFacts(a_ticket(channel="email"), talk(), (), (), ())
    mail = render_mail(MailKind.OPENED, "Hello.", facts, config, at("14:02"), portal=PAGE)
    assert f"{PORTAL}:\n{PAGE}\n" in mail.text
    assert f'href="{PAGE}">{PORTAL}</a>' in mail.html
    without = render_mail(MailKind.OPENED, "Hello.", facts, config, at("14:02"))
    assert PORTAL not in without.text + without.html


async def test_a_running_desk_mails_the_link_to_who_opened_a_ticket_by_the_plain_form() -> None:
    asked = {"name": "Dana Reyes", "company": "Contoso", "phone": "555-0134", "issue": "It is slow"}
    async with portal_desk(TEXT) as (desk, _):
        for address in (DANA, STRANGER):
            event = SurveySubmitted(
                at=now(),
                channel="form",
                external_id=new_id(),
                conversation=ConversationId(new_id()),
                visitor=new_id(),
                widget="desk",
                answers=tuple({**asked, "email": address}.items()),
                live=False,
            )
            _ = await desk.running.desk.receive(event)
        dana, stranger = await mail_to(desk, DANA), await mail_to(desk, STRANGER)
    assert f"{PORTAL}:\n{PAGE}\n" in dana
    assert PORTAL not in stranger


async def mail_to(desk: ServedDesk, address: str) -> str:
    """Wait until the desk has mailed to that address, and return the mail's text."""
    kept = await sent_mail(desk, lambda mail: mail.recipient == address)
    body = message_from_bytes(kept.source, policy=default).get_body(("plain",))
    assert body is not None
    return str(body.get_content()).replace("\r\n", "\n")
