"""The desk's configuration: the way in. What it holds is in chatdesk.settings.model."""

from __future__ import annotations

from chatdesk.settings.environment import Environment
from chatdesk.settings.model import (
    AfterHours,
    CannedReply,
    ChannelSettings,
    CompanySettings,
    Config,
    DeskSettings,
    Links,
    MaintenanceWindow,
    PriorityMatrix,
    QueueOrder,
    QueueSettings,
    SlaTarget,
    StaffChannel,
    StaffSettings,
    TicketSettings,
    UnknownSender,
    WidgetSettings,
)

__all__ = [
    "AfterHours",
    "CannedReply",
    "ChannelSettings",
    "CompanySettings",
    "Config",
    "DeskSettings",
    "Environment",
    "Links",
    "MaintenanceWindow",
    "PriorityMatrix",
    "QueueOrder",
    "QueueSettings",
    "SlaTarget",
    "StaffChannel",
    "StaffSettings",
    "TicketSettings",
    "UnknownSender",
    "WidgetSettings",
]
