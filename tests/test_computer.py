"""What can be the name of a managed computer, and where a ticket keeps it."""

from __future__ import annotations

import json

import pytest

from adapters.slack.card import card
from adapters.teams.card_parts import fact
from adapters.teams.ticket_card import CardFacts, ticket_card
from chatdesk.computer import COMPUTER, computer_of, is_computer_name
from chatdesk.config import parse_config
from chatdesk.errors import ConfigurationError
from tests.desk_builders import ANSWERS, NORTHWIND, conversation, ticket


@pytest.mark.parametrize(
    "name", ["PC-042", "a", "x" * 64, "dana_laptop", "pc-042.contoso.example", "BÜRO-1", "Данин-ПК"]
)
def test_names_that_systems_give_their_computers_are_taken(name: str) -> None:
    assert is_computer_name(name)


@pytest.mark.parametrize(
    "name",
    [
        "", " ", "x" * 65, "PC 042", "PC-042\n", "PC\t042", "PC\x00042", "%COMPUTERNAME%", "$HOSTNAME",
        "{name}", "<b>PC</b>", 'PC"onload="x', "PC'042", "https://evil.example", "//evil.example",
        "PC&key=other", "PC;042", "PC\u202e042", "PC\u200b042", "a\\b", "PC:042", "call 555-0199",
        "PC#chatdesk", "\ud800",
    ],
)  # fmt: skip
def test_what_is_no_name_of_a_computer_is_not_taken(name: str) -> None:
    assert not is_computer_name(name)


def test_a_ticket_without_an_icon_names_no_computer() -> None:
    assert computer_of(ticket(answers=(("issue", "It is slow"),))) == ""
    assert computer_of(ticket(answers=((COMPUTER, "PC-042"), ("issue", "It is slow")))) == "PC-042"


def test_the_cards_of_slack_and_teams_show_it() -> None:
    made = ticket(answers=((COMPUTER, "PC-042"), *ANSWERS.items()))
    assert "Computer\\nPC-042" in json.dumps(card(NORTHWIND, made, conversation(), {}))
    facts = CardFacts(made, conversation(), "")
    teams = ticket_card(NORTHWIND, facts)["body"]
    assert isinstance(teams, list)
    assert fact("Computer", "PC-042") in teams


def test_no_question_of_a_survey_can_take_the_computers_place() -> None:
    survey = f'[desk]\nname = "Northwind IT"\n[[survey.fields]]\nid = "{COMPUTER}"\nask = "Which computer?"\n'
    with pytest.raises(ConfigurationError, match=r"survey\.fields"):
        parse_config(survey, "chatdesk.toml")
