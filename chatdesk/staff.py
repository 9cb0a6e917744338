"""The technicians: who may sign in, and their sessions."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Protocol

from msgspec import Struct

from chatdesk.conversation import Agent


class AgentAccount(Struct, frozen=True):
    """A technician's account. ``disabled_at`` (UTC) is set when it is closed; its tickets keep the name."""

    id: str
    name: str
    email: str
    created_at: datetime
    disabled_at: datetime | None = None

    @property
    def is_open(self) -> bool:
        """Whether its technician may still sign in and be given tickets."""
        return self.disabled_at is None

    @property
    def agent(self) -> Agent:
        """The technician as events name them."""
        return Agent(self.id, self.name)


class SignedIn(Struct, frozen=True):
    """A signed-in browser: whose it is, and until when (UTC)."""

    account: AgentAccount
    session: str
    expires_at: datetime


class Staff(Protocol):
    """Accounts and sessions. Secrets are kept hashed; what is returned here is the only sight of them."""

    async def add(self, name: str, email: str, password: str | None, at: datetime) -> AgentAccount:
        """Open an account. Raises EventRefused when the address has one already."""

    async def accounts(self) -> Sequence[AgentAccount]:
        """Return every account, by name."""

    async def account(self, identity: str) -> AgentAccount | None:
        """Return the account with that id."""

    async def disable(self, email: str, at: datetime) -> AgentAccount | None:
        """Close the account with that address and end its sessions; None when there is none."""

    async def check_password(self, email: str, password: str) -> AgentAccount | None:
        """Return the open account that address and password belong to; takes as long either way."""

    async def begin_session(self, account: AgentAccount, at: datetime, expires_at: datetime) -> str:
        """Begin a session and return its secret, which the browser keeps."""

    async def session(self, secret: str, at: datetime) -> SignedIn | None:
        """Return whose session the secret is, unless it has ended."""

    async def open_sessions(self, sessions: Collection[str], at: datetime) -> frozenset[str]:
        """Return those of the sessions, by ``SignedIn.session``, that have not ended."""

    async def end_session(self, secret: str) -> None:
        """End the session."""

    async def remove_ended(self, at: datetime) -> int:
        """Remove sessions and links that ended by themselves before ``at``; return how many."""

    async def sign_in_link(self, account: AgentAccount, at: datetime, expires_at: datetime) -> str:
        """Return the secret of a link that signs in once, until ``expires_at``."""

    async def find_link(self, secret: str, at: datetime) -> AgentAccount | None:
        """Return the account the link would sign in, and leave the link; None when it is used or old."""

    async def use_link(self, secret: str, at: datetime) -> AgentAccount | None:
        """Return the account the link signs in, and end the link; None when it is used or old."""
