"""What technicians mail: public answers, and notes that no customer ever reads, wherever they stand [R38]."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from adapters.email.parse import parse_mail
from adapters.email.staff_mail import is_note, note_text
from chatdesk.bootstrap import now
from chatdesk.conversation import AuthorKind, Visibility
from chatdesk.errors import EventRefused
from chatdesk.inbox import InboundStatus
from chatdesk.ticket import TicketNumber
from tests.mail_builders import (
    MAIL_DESK,
    PASSED,
    all_sent,
    mail,
    reply_address,
    sent_mail,
    take_in,
    ticket_file,
)
from tests.running_desk import ServedDesk, serving

MARCUS = "Marcus Bell <marcus@northwind.example>"
QUOTE = "On Mon, Sep 21, 2026 at 9:00 AM Dana Reyes wrote:\n> It is offline.\n"


@pytest.fixture
async def desk() -> AsyncIterator[ServedDesk]:
    async with serving(MAIL_DESK, demo=False) as served:
        _ = await served.running.staff.add("Marcus Bell", "marcus@northwind.example", None, now())
        yield served


@pytest.mark.parametrize(
    "text",
    [
        "// She broke it.",
        "//She broke it.",
        " // She broke it.",
        "\n\n\t// She broke it.",
        "\u00a0// She broke it.",
        "\u200b\u2003// She broke it.",
        "\u2060\u200e// She broke it.",
        "* // She broke it.",
        "*// She broke it.*",
        f"{QUOTE}\n// She broke it.",
        f"{QUOTE}\n \u00a0// She broke it.",
        "Bring a drum.\n// She broke it.",
    ],
)
def test_a_note_is_internal_wherever_its_mark_stands(text: str) -> None:
    parsed, _ = parse_mail(mail(text, sender=MARCUS))
    assert is_note(parsed.text)
    assert "She broke it." in note_text(parsed.text)
    assert "//" not in note_text(parsed.text)


@pytest.mark.parametrize(
    "text",
    [
        "We are on our way.",
        "It is at https://status.northwind.example",
        "Either // or \\\\ will do.",
        "/etc/printers is the place.",
        f"We are on our way.\n\n{QUOTE}> // as it was said",
        "> // as it was said\n\nWe are on our way.",
        "> > // as it was said\n\nWe are on our way.",
    ],
)
def test_an_answer_is_public(text: str) -> None:
    parsed, _ = parse_mail(mail(text, sender=MARCUS))
    assert not is_note(parsed.text)


@pytest.mark.parametrize(
    "html",
    [
        "<p><span>&nbsp;</span>// HUSH</p>",
        "<ul><li>// HUSH</li></ul>",
        "<p><img alt='logo'> // HUSH</p>",
        "<blockquote type=cite>old</blockquote><p>// HUSH</p>",
    ],
)
def test_a_note_in_html_is_internal(html: str) -> None:
    head = f"From: {MARCUS}\r\nContent-Type: text/html\r\n\r\n"
    parsed, _ = parse_mail(f"{head}{html}".encode())
    assert is_note(parsed.text)


@pytest.mark.parametrize("text", [" // HUSH\n", f"{QUOTE}\n// HUSH\n"])
async def test_a_note_below_a_quotation_is_not_mailed_to_the_customer(desk: ServedDesk, text: str) -> None:
    number = (await take_in(desk, mail())).ticket
    first = await sent_mail(desk, lambda found: found.ticket == number)
    assert (await take_in(desk, mail(text, sender=MARCUS, to=reply_address(first)))).ticket == number
    said = (await ticket_file(desk, number)).messages[-1]
    assert (said.visibility, said.author.name) == (Visibility.INTERNAL, "Marcus Bell")
    assert not any(b"HUSH" in found.source for found in await all_sent(desk))


@pytest.mark.parametrize(
    ("text", "vouched", "visibility"),
    [
        ("We are on our way.", PASSED, Visibility.PUBLIC),
        ("// HUSH", PASSED, Visibility.INTERNAL),
        (f"{QUOTE}\n// HUSH", PASSED, Visibility.INTERNAL),
        ("// HUSH", "", Visibility.INTERNAL),
        # Nobody acts as a technician on the strength of an address, whoever adds the mail.
        ("Pay this invoice. HUSH", "", Visibility.INTERNAL),
    ],
)
async def test_a_technicians_held_mail_is_added_to_a_ticket_as_theirs(
    desk: ServedDesk, text: str, vouched: str, visibility: Visibility
) -> None:
    priya = (await desk.running.staff.add("Priya Nair", "priya@northwind.example", None, now())).agent
    number = (await take_in(desk, mail())).ticket
    assert number is not None
    held = await take_in(desk, mail(text, "Printer", MARCUS, vouched=vouched))
    assert held.status is InboundStatus.HELD
    assert await desk.running.mail.room.add_to(held.id, number, priya) == number
    file = await ticket_file(desk, number)
    said = file.messages[-1]
    assert (said.author.kind, said.author.name, said.visibility) == (
        AuthorKind.AGENT,
        "Marcus Bell",
        visibility,
    )
    assert ("may be forged" in said.text, len(file.conversations)) == (not vouched, 1)
    assert not any(b"HUSH" in found.source for found in await all_sent(desk))


async def test_a_technicians_held_mail_needs_a_ticket_that_somebody_can_be_written_to_on(
    desk: ServedDesk,
) -> None:
    priya = (await desk.running.staff.add("Priya Nair", "priya@northwind.example", None, now())).agent
    held = await take_in(desk, mail("We are on our way.", "Printer", MARCUS))
    with pytest.raises(EventRefused):
        _ = await desk.running.mail.room.add_to(held.id, TicketNumber(9999), priya)


async def test_what_a_former_technician_mails_is_a_note(desk: ServedDesk) -> None:
    staff, room = desk.running.staff, desk.running.mail.room
    priya = (await staff.add("Priya Nair", "priya@northwind.example", None, now())).agent
    number = (await take_in(desk, mail())).ticket
    assert number is not None
    held = await take_in(desk, mail("We are on our way.", "Printer", MARCUS))
    _ = await staff.disable("marcus@northwind.example", now())
    _ = await room.add_to(held.id, number, priya)
    assert (await ticket_file(desk, number)).messages[-1].visibility is Visibility.INTERNAL
