"""Who a person in Teams is at the desk: a technician, or a customer of one of the client companies."""

from __future__ import annotations

import structlog

from adapters.teams.incoming import Incoming, Person
from adapters.teams.memory import KnownPerson
from adapters.teams.services import PROVIDER, TeamsServices
from chatdesk.account_links import PendingLink
from chatdesk.conversation import Agent
from chatdesk.errors import DeliveryError
from chatdesk.staff import AgentAccount

VISITOR = "teams:"

log = structlog.get_logger(__name__)


def visitor_of(person: Person) -> str:
    """Return the key under which a customer in Teams owns conversations."""
    return f"{VISITOR}{person.key}"


class People:
    """Tells technicians from everybody else.

    Only people of the desk's own tenant can be staff, whatever they type. An account is linked once: by the
    address that the tenant itself gives it, or by a one-time code that is confirmed in the console.
    """

    def __init__(self, services: TeamsServices) -> None:
        self._services = services

    async def technician(self, incoming: Incoming) -> Agent | None:
        """Return the technician who acted; None for anybody else."""
        person = incoming.person
        if not self._is_colleague(person):
            return None
        linked = await self._services.identities.agent(PROVIDER, person.key)
        if linked is None:
            return await self._by_address(incoming)
        account = await self._services.staff.account(linked)
        return account.agent if account and account.is_open else None

    async def begin_link(self, incoming: Incoming) -> str | None:
        """Return the address at which a signed-in technician links this account; None for other tenants."""
        services, person = self._services, incoming.person
        if not self._is_colleague(person):
            return None
        pending = PendingLink(PROVIDER, person.key, person.name)
        code = await services.links.begin(pending, services.clock())
        return f"{services.config.desk.public_url}/console/link/{code}"

    def _is_colleague(self, person: Person) -> bool:
        """Tell whether the person acts from the desk's own tenant, under an account of a directory."""
        return bool(person.aad) and person.tenant.casefold() == self._services.access.tenant.casefold()

    async def _by_address(self, incoming: Incoming) -> Agent | None:
        """Link by the address in the desk's own directory, which its administrators vouch for."""
        accounts = [one for one in await self._services.staff.accounts() if one.is_open]
        if not accounts:
            return None
        try:
            member = await self._services.gateway.member(incoming.place, incoming.person.id)
        except DeliveryError as error:
            log.info("teams_member_not_told", error=str(error))
            return None
        if member.is_guest or member.aad != incoming.person.aad:
            return None
        if member.tenant and member.tenant.casefold() != self._services.access.tenant.casefold():
            return None
        addresses = {member.user_principal_name.casefold(), member.email.casefold()}
        found = next((one for one in accounts if one.email.casefold() in addresses), None)
        return await self._linked(incoming, found) if found else None

    async def _linked(self, incoming: Incoming, account: AgentAccount) -> Agent:
        services, person = self._services, incoming.person
        await services.identities.link(PROVIDER, person.key, account.id, services.clock())
        if await services.memory.person(person.key) is None:
            met = KnownPerson(incoming.place.service_url, "", person.id, person.name)
            await services.memory.keep_person(person.key, met)
        return account.agent

    def company(self, person: Person) -> str:
        """Return the id of the client company whose tenant the person is of, "" for none [threat 29]."""
        tenant = person.tenant.casefold()
        for company in self._services.config.companies:
            if any(tenant == one.casefold() for one in company.teams_tenants):
                return company.id
        return ""
