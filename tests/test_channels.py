"""The ways in: each has a name, and on which an address is known to be the requester's [threats 35, 37]."""

from __future__ import annotations

from typing import get_args

import pytest

from adapters import email
from adapters.slack import memory
from adapters.teams import services
from adapters.web import form_routes, portal_deeds, visitor_events
from adapters.web.console_calls import Contact
from chatdesk.channels import DESKTOP, LABELS, VOUCHED_CHANNELS
from chatdesk.transcript_view import place
from tests.desk_builders import NORTHWIND

WRITTEN_DOWN = get_args(Contact.model_fields["way"].annotation)
USED = {
    *WRITTEN_DOWN,
    DESKTOP,
    email.CHANNEL,
    form_routes.CHANNEL,
    portal_deeds.CHANNEL,
    memory.NAME,
    services.CHANNEL,
    services.PHONE,
    visitor_events.CHANNEL,
}
"""Every channel by which the adapters open tickets today."""


def test_every_channel_by_which_a_ticket_is_opened_has_a_name() -> None:
    assert set(LABELS) >= USED


@pytest.mark.parametrize("channel", sorted({*LABELS, *USED}))
def test_a_channel_is_called_by_its_name_in_transcripts_and_in_the_console(channel: str) -> None:
    assert place(channel) == LABELS[channel]
    assert NORTHWIND.channel(channel).label == LABELS[channel]


def test_an_address_is_vouched_for_by_a_mail_server_a_sign_in_or_a_technician() -> None:
    assert {"email", "portal", *WRITTEN_DOWN} == VOUCHED_CHANNELS
    assert set(LABELS) - VOUCHED_CHANNELS == {"web", "form", "desktop", "slack", "teams"}
