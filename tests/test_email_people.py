"""What a mail says of its sender: answers to the desk's question, however hostile the text is."""

from __future__ import annotations

import time

import pytest

from adapters.email.people import answers_in


@pytest.mark.parametrize(
    ("text", "answers"),
    [
        ("Name: Sam Field\nCompany: Contoso\nPhone: 555-0177",
         {"name": "Sam Field", "company": "Contoso", "phone": "555-0177"}),
        ("  Your full name = Sam Field\r\n\r\ncall-back number: 555-0177",
         {"name": "Sam Field", "phone": "555-0177"}),
        ("Company: Contoso\nCompany: Fabrikam", {"company": "Contoso"}),
        ("Name:\nCompany: Contoso", {"company": "Contoso"}),
        ("The company: it is closed", {}),
        ("Name:   \nThanks", {}),
    ],
)  # fmt: skip
def test_answers_are_read_a_line_each(text: str, answers: dict[str, str]) -> None:
    assert answers_in(text) == answers


@pytest.mark.parametrize("filling", ["\n", " ", "\t", "\r\n", "name ", "name:", "phone \n", "your "])
def test_a_text_made_to_take_long_takes_no_longer_than_its_length(filling: str) -> None:
    """A person's whole text is read on the event loop: what grew with its square held everybody up."""
    hostile = filling * (500_000 // len(filling)) + "x"
    began = time.process_time()
    answers_in(hostile)
    assert time.process_time() - began < 5.0
