"""What is said of a ticket whose requester the company's own site has named, and what follows [threat 2]."""

from __future__ import annotations

import json

import pytest

from adapters.slack.card import card
from adapters.teams.card_parts import fact
from adapters.teams.ticket_card import CardFacts, ticket_card
from chatdesk.channels import LABELS
from chatdesk.config import parse_config
from chatdesk.errors import ConfigurationError
from chatdesk.portal import vouches_for_requester
from chatdesk.sender import is_vouched
from chatdesk.site_identity import IDENTIFIED_BY, identified_by
from tests.desk_builders import ANSWERS, NORTHWIND, conversation, ticket

NOTED = ((IDENTIFIED_BY, "Contoso's site"), *ANSWERS.items())


def test_the_cards_of_slack_and_teams_show_it() -> None:
    made = ticket(answers=NOTED)
    assert "Identified by\\nContoso's site" in json.dumps(card(NORTHWIND, made, conversation(), {}))
    teams = ticket_card(NORTHWIND, CardFacts(made, conversation(), ""))["body"]
    assert isinstance(teams, list)
    assert fact("Identified by", "Contoso's site") in teams


@pytest.mark.parametrize("channel", ["web", "desktop"])
def test_its_address_is_the_requesters_own_but_lets_nobody_into_the_portal(channel: str) -> None:
    plain = ticket(channel=channel, answers=tuple(ANSWERS.items()))
    noted = ticket(channel=channel, answers=NOTED)
    assert (is_vouched(plain), is_vouched(noted)) == (False, True)
    assert not vouches_for_requester(noted)


@pytest.mark.parametrize("channel", LABELS)
def test_no_answer_that_somebody_typed_identifies_them(channel: str) -> None:
    typed = (("identified_by", "Contoso's site"), ("issue", f"{IDENTIFIED_BY}: Contoso's site"))
    assert identified_by(ticket(channel=channel, answers=typed)) == ""


def test_no_question_of_a_survey_can_take_its_place() -> None:
    survey = f'[desk]\nname = "Northwind IT"\n[[survey.fields]]\nid = "{IDENTIFIED_BY}"\nask = "Who?"\n'
    with pytest.raises(ConfigurationError, match=r"survey\.fields"):
        parse_config(survey, "chatdesk.toml")
