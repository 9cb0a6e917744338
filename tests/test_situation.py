"""What a flow may know of the world."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from chatdesk.config import load_config
from chatdesk.conversation import Conversation, ConversationId, Surveying
from chatdesk.situation import Situation

AT = datetime(2026, 9, 15, 14, 0, tzinfo=UTC)


def conversation(channel: str) -> Conversation:
    return Conversation(
        id=ConversationId("c"),
        channel=channel,
        visitor="v",
        customer_name="Dana Reyes",
        widget="desk",
        company_id="",
        ticket=None,
        flow="live_chat",
        flow_version=1,
        state=Surveying(),
        opened_at=AT,
        changed_at=AT,
    )


@pytest.mark.parametrize("channel", ["web", "phone", "slack", "teams", "desktop"])
def test_a_channel_the_file_leaves_out_keeps_the_hours_of_the_desk(channel: str) -> None:
    config = load_config(None)
    situation = Situation(config, conversation(channel))
    widget = config.widget("desk")
    assert widget is not None
    expected = widget.calendar if channel == "web" else config.channel(channel).calendar
    assert situation.calendar is expected
