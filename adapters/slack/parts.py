"""What the Slack adapter works with, handed over by whoever builds it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from chatdesk.account_links import AccountLinks
from chatdesk.adapter_notes import AdapterNotes, Identities
from chatdesk.config import Config, StaffChannel
from chatdesk.desk import Desk
from chatdesk.files import Files
from chatdesk.health import Loops
from chatdesk.hub import Hub
from chatdesk.leases import Alone
from chatdesk.ports import Clock, NewId
from chatdesk.reading import StaffReads
from chatdesk.settings.slack import SlackSecrets
from chatdesk.staff import Staff


@dataclass(frozen=True, slots=True)
class Parts:
    """The desk's parts as the Slack adapter uses them. ``inbox`` is a folder of its own."""

    config: Config
    channel: StaffChannel
    secrets: SlackSecrets
    desk: Desk
    hub: Hub
    reads: StaffReads
    staff: Staff
    files: Files
    notes: AdapterNotes
    identities: Identities
    links: AccountLinks
    inbox: Path
    alone: Alone
    loops: Loops
    clock: Clock
    new_id: NewId
