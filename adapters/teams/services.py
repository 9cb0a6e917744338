"""What the Teams adapter works with, handed over by whoever builds the desk."""

from __future__ import annotations

from dataclasses import dataclass, field

from adapters.teams.downloads import Downloads
from adapters.teams.gateway import Gateway
from adapters.teams.memory import Memory
from chatdesk.account_links import AccountLinks
from chatdesk.adapter_notes import Identities
from chatdesk.config import Config
from chatdesk.desk import Desk
from chatdesk.files import Files
from chatdesk.ports import Clock, NewId
from chatdesk.reading import StaffReads, VisitorReads
from chatdesk.settings.teams_access import TeamsAccess
from chatdesk.staff import Staff

CHANNEL = "teams"
"""The channel of what people write in Teams themselves, and the target of what goes there."""
CARD = "teams-card"
"""The channel of what staff enter in a card: the thread does not show it yet, so it is posted there."""
PHONE = "phone"
"""The channel of calls and direct requests that a technician writes down [R5, R9]."""
PROVIDER = "teams"
"""The provider under which technicians' accounts in Teams are linked."""


@dataclass(frozen=True, slots=True)
class TeamsServices:
    """The desk's parts as the Teams adapter uses them. ``secret`` is the desk's own, for signatures."""

    config: Config
    access: TeamsAccess
    desk: Desk
    staff_reads: StaffReads
    visitor_reads: VisitorReads
    staff: Staff
    identities: Identities
    links: AccountLinks
    files: Files
    memory: Memory
    gateway: Gateway
    downloads: Downloads
    clock: Clock
    new_id: NewId
    secret: str = field(default="", repr=False)
