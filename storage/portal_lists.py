"""A customer's list in the portal: each of its pages is a walk along indexes, however many tickets there are.

Every ticket is listed as the one it was opened with, and a merged one only for whom that tells more than the
ticket it is part of now [R20, R33].
"""

from __future__ import annotations

from collections.abc import Iterator

from chatdesk.mail_address import known_forms
from chatdesk.portal import PortalCustomer
from chatdesk.sender import visitor_of
from storage.selecting import Select

Value = str | int
Part = tuple[str, tuple[Value, ...]]
"""A part of a query, and the values for the question marks in it."""

_AS_REQUESTER = (
    "SELECT t.number AS opened, COALESCE((SELECT MAX(c.ticket) FROM conversation c "
    "WHERE c.opened_with = t.number AND c.ticket <> t.number), t.number) AS number, 0 AS affected "
    "FROM ticket t WHERE LOWER(t.requester_email) IN (?, ?) AND t.number < ?"
)
_OPENED = "COALESCE(opened_with, ticket)"
"""The ticket that a conversation was opened with."""
_BY_MAIL = (
    f"SELECT {_OPENED} AS opened, ticket AS number, 0 AS affected "
    f"FROM conversation WHERE visitor IN (?, ?) AND {_OPENED} < ?"
)
_OF_COMPANY = (
    f"SELECT {_OPENED} AS opened, ticket AS number, 0 AS affected "
    f"FROM conversation WHERE company_id = ? AND company_id <> '' AND {_OPENED} < ?"
)
_OPEN_OF_COMPANY = (
    "SELECT t.number AS opened, t.number, 0 AS affected "
    "FROM (SELECT number FROM ticket WHERE active = TRUE ORDER BY number DESC) t "
    "WHERE 0 < (SELECT COUNT(*) FROM conversation c "
    "WHERE c.ticket = t.number AND c.company_id = ? AND c.opened_with IS NULL) AND t.number < ?"
)
"""Few of a company's tickets are open: they are looked for among the open ones."""
_MERGED_OF_COMPANY = (
    "SELECT opened_with AS opened, ticket AS number, 0 AS affected FROM conversation "
    "WHERE company_id = ? AND company_id <> '' AND opened_with IS NOT NULL AND opened_with < ?"
)
_AFFECTED = (
    "SELECT COALESCE(known_as, ticket) AS opened, ticket AS number, 1 AS affected "
    "FROM affected WHERE mailbox = ? AND COALESCE(known_as, ticket) < ?"
)
_KNOWN = (
    "(SELECT COUNT(*) FROM ticket k WHERE k.number = s.number AND LOWER(k.requester_email) IN (?, ?)) "
    "+ (SELECT COUNT(*) FROM conversation k WHERE k.ticket = s.number "
    "AND COALESCE(k.opened_with, k.ticket) = k.ticket "
    "AND (k.visitor IN (?, ?) OR (k.company_id = ? AND k.company_id <> ''))) "
    "+ (SELECT COUNT(*) FROM affected k WHERE k.ticket = s.number AND k.mailbox = ? "
    "AND COALESCE(k.known_as, k.ticket) = k.ticket)"
)
"""By how much they know the ticket that a merged one is part of now: that one is listed, unless it is 0.

It is counted, since PostgreSQL would look up whether there is any in a list of all that they know.
"""
_WALK = (
    "SELECT * FROM (SELECT s.opened, s.number, s.affected FROM ({0}) s CROSS JOIN ticket f "
    f"WHERE f.number = s.number AND f.active = {{1}} AND (s.opened = s.number OR {_KNOWN} = 0) "
    "ORDER BY s.opened DESC LIMIT {2:d}) walk"
)
"""The first tickets below a number of those that somebody knows for one reason. The join's order is kept."""
_LIST = (
    "SELECT opened, MAX(number) AS number, MIN(affected) AS affected FROM ({0}) known "
    "GROUP BY opened ORDER BY opened DESC LIMIT {1:d}"
)


def list_of(customer: PortalCustomer, below: int, limit: int, *, is_open: bool) -> Select:
    """Return what reads one part of a customer's list: the tickets below a number, newest first.

    Whoever is among the first of all is among the first of each reason for which they are listed.
    """
    known = (*_forms(customer), *_visitors(customer), customer.managed_company, customer.mailbox)
    walks, values = [], list[Value]()
    for source, given in _sources(customer, is_open=is_open):
        walks.append(_WALK.format(source, "TRUE" if is_open else "FALSE", limit))
        values += [*given, below, *known]
    return Select(_LIST.format(" UNION ALL ".join(walks), limit), tuple(values))


def _sources(customer: PortalCustomer, *, is_open: bool) -> Iterator[Part]:
    yield _AS_REQUESTER, _forms(customer)
    yield _BY_MAIL, _visitors(customer)
    yield _AFFECTED, (customer.mailbox,)
    company = customer.managed_company
    if company and is_open:
        yield _OPEN_OF_COMPANY, (company,)
        yield _MERGED_OF_COMPANY, (company,)
    elif company:
        yield _OF_COMPANY, (company,)


def _forms(customer: PortalCustomer) -> tuple[str, str]:
    """Return the forms in which their address may stand on a ticket, twice the one that has no other."""
    forms = known_forms(customer.address)
    return forms[0], forms[-1]


def _visitors(customer: PortalCustomer) -> tuple[str, str]:
    one, other = _forms(customer)
    return visitor_of(one), visitor_of(other)
