"""What is new in a mail, and what is signature and history: never a word of the matter with them."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.email.reply_split import split_text

HEADER = "From: Northwind IT\nSent: Monday\nTo: Dana\nSubject: Printer\n\nShall we come?"
UNDERSCORES = "_" * 32
DISCLAIMER = (
    "This message is confidential and meant for its intended recipient only. If you are not the\n"
    "addressee, please delete it and tell its sender."
)


@pytest.mark.parametrize(
    "text",
    [
        "Hi Marcus,\n\nThank you!\n\nThe printer works now, but the scanner is completely dead.",
        "The printer is broken.\n\nThanks\n\nPS: the server room is also beeping",
        "The printer is broken.\n\nThanks\n\nPS Also beeping",
        "The printer is broken.\n\nThanks\n\nIt still fails",
        "The printer is broken.\n\nThanks!\nCan you come today?",
        "The printer is broken.\n\nBest regards\nDana\n\nAnd please call Erik before you come.",
        "The printer is broken.\n\nThanks\n1. restarted\n2. error 0x1234",
        "It fails.\n\nSent from my iPhone\n\nIt fails on the iPad as well, by the way.",
        "Steps:\n1. restart\n--\n2. more\n3. Error 0x1234",
        f"The log:\n{UNDERSCORES}\nERROR disk full\n{UNDERSCORES}\nPlease fix it today.",
        "Hello\nOn Monday the printer broke and the display wrote:\nPC LOAD LETTER\nPlease come.",
        "On the screen of the cash desk the software wrote:\nERROR 42\nNobody can sell anything.",
        "Am Montag kam der Fehler, Windows schrieb:\nFehler 42\nSeitdem geht nichts.",
        "Please order for Erik:\nDate: September 28\nSubject: a laptop\nThe usual one will do.",
        "The server room is wet.\nData: all of it may be lost\nPlease come.",
        "Hi Marcus,\n\nThank you!",
        f"Hello Marcus,\n\n---------- Forwarded message ---------\n{HEADER}",
        "Hallo zusammen,\n\nViele Grüße\nDana",
    ],
)
def test_what_a_person_says_stays_whatever_it_looks_like(text: str) -> None:
    assert split_text(text).new == text


@pytest.mark.parametrize(
    "signature",
    [
        "Thanks",
        "Thank you!\n\nDana",
        "Best regards,\nDana Reyes\nHead of Accounting, Contoso Ltd\nPhone: 555-0134 | www.contoso.example",
        "Many thanks,\n\nBest regards\nDana",
        "Mit freundlichen Grüßen\nDana Reyes\n\nContoso GmbH\nAmtsgericht Musterstadt, HRB 12345",
        f"Kind regards\n\nDana Reyes\nContoso\n\n{DISCLAIMER}",
        "Cheers\nDana\n\nSent from my iPhone",
        f"-- \nDana Reyes\nContoso, in the house behind the station, second floor\n\n{DISCLAIMER}",
        "Thanks\nDana\n-- \nDana Reyes\nWe have moved. Please visit us in our new house.",
        "--\nDana Reyes\nAccounting",
        "Sent from my iPhone",
        "Cordialement,\nDana Reyes\nResponsable de la comptabilité\nTél. 555-0134",
    ],
)
def test_a_signature_is_known(signature: str) -> None:
    said = split_text(f"Hi Marcus,\n\nThanks for coming. It fails again.\n\n{signature}")
    assert said.new == "Hi Marcus,\n\nThanks for coming. It fails again."
    assert said.signature == signature.replace("-- ", "--")


@pytest.mark.parametrize(
    "introduction",
    [
        "On Mon, Sep 21, 2026 at 9:00 AM Northwind IT wrote:",
        "On 21/09/26 Northwind IT wrote:",
        "On Monday, Northwind IT <help@northwind.example> wrote:",
        "On Mon, Sep 21, 2026 at 9:00 AM\nNorthwind IT <help@northwind.example>\nwrote:",
        "Am 21.09.26 um 09:00 schrieb Northwind IT:",
        "Le 21 septembre 2026 à 9 h 00, Northwind IT a écrit :",
        "El 21/9/26 a las 9:00, Northwind IT escribió:",
        "Em seg., 21 de set. de 2026, Northwind IT escreveu:",
        "Il giorno 21 set 2026 Northwind IT ha scritto:",
        "Op 21-09-2026 schreef Northwind IT:",
        "W dniu 21.09.2026 Northwind IT pisze:",
        "ma 21. syysk. 2026 Northwind IT kirjoitti:",
        "21.09.2026, Northwind IT пишет:",
        "在 2026年9月21日，Northwind IT 写道：",
        f"{UNDERSCORES}\nFrom: Northwind IT\nSent: Monday\nTo: Dana\nSubject: Printer",
        f"{UNDERSCORES}\n\nVon: Northwind IT\nGesendet: Montag\nAn: Dana\nBetreff: Drucker",
    ],
)
def test_history_is_known_by_a_date_or_an_address(introduction: str) -> None:
    said = split_text(f"It works.\n\n{introduction}\n\nPlease restart it.")
    assert (said.new, said.quoted) == ("It works.", f"{introduction}\n\nPlease restart it.")


def test_an_introduction_without_a_date_is_one_right_above_its_quotation() -> None:
    assert split_text("It works.\n\nOn Monday, Northwind IT wrote:\n> Please restart it.").new == "It works."


LINES = f"""\
Hello Marcus,
It fails again.
1. restart

Thanks
Best regards
Dana Reyes
--
PS: more
Sent from my iPhone
> It is offline.
On 21.09.26 Northwind IT wrote:
-----Original Message-----
{UNDERSCORES}
From: Northwind IT
Sent: Monday
Subject: Printer""".split("\n")


@pytest.mark.property
@given(st.lists(st.sampled_from(["-- ", *LINES]), max_size=25))
def test_the_parts_together_are_all_of_the_mail(lines: list[str]) -> None:
    said = split_text("\n".join(lines))
    parts = "\n".join((said.new, said.signature, said.quoted)).split("\n")
    assert [line for line in parts if line] == [line.rstrip() for line in lines if line]


@pytest.mark.parametrize(
    "filling",
    ["\n", " \n", "\t", " ", "\u00a0", ">", ">\n", "> x\n", ">\n\n", "a\n", "a\n\n", "On 2024 ", "Am ", "Le ",
     "On Monday, 1 May 2024 \n", "From: a\n", "From: a@contoso.example\n", "-- \n", "Best regards\n",
     "Sent from my phone\n", "1 May 2024 10:00 ", "mail ", "Disclaimer: mail "],
)  # fmt: skip
def test_a_text_made_to_take_long_takes_no_longer_than_its_length(filling: str) -> None:
    """All mail waits for the one at hand: what grew with its square held the others up."""
    hostile = "It is broken.\n" + filling * (50_000 // len(filling)) + "x"
    began = time.process_time()
    split_text(hostile)
    assert time.process_time() - began < 3.0


@pytest.mark.parametrize("blank", [1, 2, 3, 4, 5, 40])
def test_the_history_begins_where_it_does_however_many_lines_are_blank(blank: int) -> None:
    above = "It is broken." + "\n" * blank
    announced = "Dne 1.5.2024 10:00 Marcus Bell napsal(a):"
    split = split_text(f"{above}\n{announced}\n\nShall we come?")
    assert split.new == "It is broken."
    assert split.quoted.startswith(announced)
