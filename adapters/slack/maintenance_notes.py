"""What Slack shows of the desk's maintenance: to customers before they ask, to technicians at Home [R47]."""

from __future__ import annotations

from datetime import datetime

from adapters.slack.block_limits import context, plain
from adapters.slack.payload import Block
from chatdesk.config import Config
from chatdesk.maintenance import announced_in_chat


def maintenance_notes(config: Config, at: datetime) -> list[Block]:
    """Return what is said of maintenance at ``at`` (aware), a line each; nothing where there is none near."""
    return [context(plain(text)) for text in announced_in_chat(config, at)]
