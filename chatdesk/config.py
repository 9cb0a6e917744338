"""The desk's configuration: chatdesk.toml to a frozen Config, validated, read once.

What a Config holds is in chatdesk.settings.model; how each part is read is in its module there.
"""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path

from chatdesk.errors import ConfigurationError
from chatdesk.settings.environment import Environment
from chatdesk.settings.model import (
    AfterHours,
    Article,
    CannedReply,
    ChannelSettings,
    CompanySettings,
    Config,
    DeskSettings,
    Links,
    MailSettings,
    MaintenanceWindow,
    PriorityMatrix,
    QueueOrder,
    QueueSettings,
    SlaTarget,
    StaffChannel,
    StaffSettings,
    TicketSettings,
    TierSettings,
    UnknownSender,
    WidgetSettings,
)
from chatdesk.settings.reader import parse_config

__all__ = [
    "DEMONSTRATION",
    "AfterHours",
    "Article",
    "CannedReply",
    "ChannelSettings",
    "CompanySettings",
    "Config",
    "DeskSettings",
    "Environment",
    "Links",
    "MailSettings",
    "MaintenanceWindow",
    "PriorityMatrix",
    "QueueOrder",
    "QueueSettings",
    "SlaTarget",
    "StaffChannel",
    "StaffSettings",
    "TicketSettings",
    "TierSettings",
    "UnknownSender",
    "WidgetSettings",
    "load_config",
    "parse_config",
]

DEMONSTRATION = "built-in demonstration desk"
"""The source of the desk that runs without a file."""


def load_config(path: Path | None) -> Config:
    """Read the desk's file; None gives the demonstration desk.

    Raises ConfigurationError when the file cannot be read or used; see parse_config.
    """
    if path is None:
        demonstration = files("chatdesk.settings").joinpath("demo_desk.toml")
        return parse_config(demonstration.read_text(encoding="utf-8"), DEMONSTRATION)
    try:
        text = path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise ConfigurationError(
            f"{path}: byte {error.start + 1} is not UTF-8; save the file as UTF-8."
        ) from None
    except OSError as error:
        raise ConfigurationError(f"{path}: cannot be read: {error.strerror}.") from None
    return parse_config(text, str(path))
