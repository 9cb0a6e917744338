"""`python -m tests.quick_node demo`: the command line with waits that a test can sit out."""

from __future__ import annotations

from contextlib import ExitStack
from datetime import timedelta
from functools import partial
from unittest.mock import patch

from adapters.email import intake
from chatdesk import bootstrap, mail_parts, slack_parts
from chatdesk.__main__ import main
from chatdesk.leases import Alone
from chatdesk.relay import Relay
from chatdesk.settings import slack
from chatdesk.settings.slack import SlackSecrets

DELIVERIES = timedelta(seconds=6)
"""How long deliveries are leased, instead of two minutes [chatdesk.relay.Relay]."""
ALONE = timedelta(seconds=3)
"""How long the mailbox and Slack's sockets are, instead of 15 seconds [chatdesk.leases.LENGTH]."""

LOOK_AGAIN = 1.0
"""Seconds after which a node looks for mail that another has left, instead of a minute."""


def run() -> None:
    """Run the command line; posts into one Slack channel need not be a second apart either."""
    changes = (
        (bootstrap, "Relay", partial(Relay, lease=DELIVERIES)),
        (mail_parts, "Alone", partial(Alone, length=ALONE)),
        (slack_parts, "Alone", partial(Alone, length=ALONE)),
        (intake, "LOOK_AGAIN", LOOK_AGAIN),
        (slack, "SlackSecrets", partial(SlackSecrets, seconds_per_post=0.0)),
    )
    with ExitStack() as stack:
        for module, name, changed in changes:
            stack.enter_context(patch.object(module, name, changed))
        main()


if __name__ == "__main__":
    run()
