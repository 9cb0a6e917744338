"""The ways in [R1-R9]: what each is called, and on which of them an address is more than typed."""

from __future__ import annotations

DIRECT = "direct"
"""A request that was made to a technician, who wrote it down [R9]; no file offers or sets it."""

DESKTOP = "desktop"
"""The icon on a managed computer, which opens the desk for that computer [R6]."""

LABELS = {
    "web": "Live chat",
    "form": "Web form",
    "email": "E-mail",
    "portal": "Customer portal",
    "phone": "Phone",
    DIRECT: "Direct request",
    DESKTOP: "Desktop icon",
    "slack": "Slack",
    "teams": "Microsoft Teams",
}
"""Every channel there is, and how people see it unless the file says otherwise."""

VOUCHED_CHANNELS = frozenset({"email", "portal", "phone", DIRECT})
"""Channels on which a requester's address is more than typed by them [threats 35, 37]: a mail's own, a
signed-in person's, one that a technician wrote down. Everything else is an open form, the survey in Slack
and Teams too: those tell who writes, and to which company they belong, but not whose address they type."""
