"""Who somebody in Slack is: a technician by link or verified address, or nobody to the desk."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

import structlog

from adapters.slack.api import SlackApi
from adapters.slack.payload import Payload, flag, part, text
from chatdesk.adapter_notes import Identities
from chatdesk.conversation import Agent
from chatdesk.errors import DeliveryError, DeliveryRefused
from chatdesk.ports import Clock
from chatdesk.staff import AgentAccount, Staff

PROVIDER = "slack"
FRESH = timedelta(minutes=5)
MAX_KNOWN = 5_000
NO_MEMBER = ("is_restricted", "is_ultra_restricted", "is_stranger", "deleted")
NO_PERSON = ("is_bot", "is_workflow_bot")
log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Person:
    """An account of Slack. ``is_member`` says that it is a full member of the desk's own workspace.

    ``email`` is "" unless Slack vouches for it and for an own member.
    """

    id: str
    team: str
    name: str
    email: str
    is_member: bool
    is_person: bool


class People:
    """Looks people up, and remembers them for ``FRESH``; ``own_team`` returns the workspace's id."""

    def __init__(
        self,
        api: SlackApi,
        staff: Staff,
        identities: Identities,
        clock: Clock,
        own_team: Callable[[], Awaitable[str]],
    ) -> None:
        self._api = api
        self._staff = staff
        self._identities = identities
        self._clock = clock
        self._own_team = own_team
        self._known: dict[str, tuple[datetime, Person]] = {}
        self._accounts: tuple[datetime, dict[str, AgentAccount]] | None = None

    async def person(self, user: str) -> Person:
        """Return who the user is. Raises DeliveryError when Slack does not say."""
        now = self._clock()
        known = self._known.get(user)
        if known is not None and now - known[0] < FRESH:
            return known[1]
        answer = part(await self._api.read("users.info", user=user), "user")
        person = _person(user, answer, await self._own_team())
        if len(self._known) >= MAX_KNOWN:
            self._known.clear()
        self._known[user] = (now, person)
        return person

    async def agent(self, user: str) -> Agent | None:
        """Return the technician this is; None for everybody else, outsiders and guests above all.

        Raises DeliveryError when Slack does not say who it is, which must not pass for nobody.
        """
        person = await self.person(user)
        if not person.is_member:
            return None
        account = await self._linked(person) or await self._by_address(person)
        return account.agent if account is not None and account.is_open else None

    async def note_author(self, user: str) -> Agent | None:
        """Return who an internal note of the user is by: the technician, or a colleague without an account.

        A colleague may do nothing but write notes; the name says that it is the one in Slack, which people
        choose themselves. None for bots, guests, people of other companies, and those for whose address
        Slack does not vouch. Raises as ``agent``.
        """
        agent = await self.agent(user)
        person = await self.person(user)
        if agent is not None or not person.email:
            return agent
        return Agent(f"{PROVIDER}:{person.team}:{person.id}", f"{person.name} (Slack)")

    async def user_of(self, agent: str) -> str | None:
        """Return the Slack user that the technician has linked or, by address, was last seen as.

        Raises DeliveryDelayed when Slack cannot be asked now, which must not pass for nobody.
        """
        linked = await self._identities.external_id(PROVIDER, agent)
        if linked:
            return linked.rpartition(":")[2]
        account = (await self._by_id()).get(agent)
        if account is None:
            return None
        try:
            found = part(await self._api.read("users.lookupByEmail", email=account.email), "user")
            user = text(found, "id")
            agent_there = await self.agent(user) if user else None
        except DeliveryRefused:
            return None
        return user if agent_there is not None and agent_there.id == agent else None

    async def names(self, users: Iterable[str]) -> dict[str, str]:
        """Return the names of the users that Slack knows, by id."""
        found: dict[str, str] = {}
        for user in set(users):
            try:
                found[user] = (await self.person(user)).name
            except DeliveryError as error:
                log.info("slack_name_unknown", error=str(error))
        return found

    async def agent_names(self, agents: Iterable[str | None]) -> dict[str, str]:
        """Return the technicians' names by id."""
        accounts = await self._by_id()
        wanted = {agent for agent in agents if agent}
        if not wanted <= accounts.keys():
            self._accounts = None
            accounts = await self._by_id()
        return {agent: accounts[agent].name for agent in wanted if agent in accounts}

    async def agents(self) -> list[AgentAccount]:
        """Return every open account."""
        return [account for account in (await self._by_id()).values() if account.is_open]

    async def _linked(self, person: Person) -> AgentAccount | None:
        agent = await self._identities.agent(PROVIDER, f"{person.team}:{person.id}")
        return await self._staff.account(agent) if agent else None

    async def _by_address(self, person: Person) -> AgentAccount | None:
        if not person.email:
            return None
        accounts = await self._staff.accounts()
        return next((account for account in accounts if account.email.casefold() == person.email), None)

    async def _by_id(self) -> dict[str, AgentAccount]:
        now = self._clock()
        if self._accounts is None or now - self._accounts[0] > FRESH:
            self._accounts = (now, {account.id: account for account in await self._staff.accounts()})
        return self._accounts[1]


def _person(user: str, answer: Payload, own_team: str) -> Person:
    profile = part(answer, "profile")
    is_person = user != "USLACKBOT" and not any(flag(answer, name) for name in NO_PERSON)
    at_home = text(answer, "team_id") == own_team and not any(flag(answer, name) for name in NO_MEMBER)
    vouched = is_person and at_home and flag(answer, "is_email_confirmed")
    return Person(
        id=user,
        team=text(answer, "team_id"),
        name=text(profile, "display_name") or text(profile, "real_name") or text(answer, "name") or user,
        email=text(profile, "email").casefold() if vouched else "",
        is_member=is_person and at_home,
        is_person=is_person,
    )
