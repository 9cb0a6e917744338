"""Mails held back for one mailbox are one problem, and so are those that wait for a server that is away."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import pytest
from msgspec.structs import replace

from adapters.web.console_json import problem_json
from chatdesk.outbox import HAD_ENOUGH, LONG_TRIED, Delivery, DeliveryKind, DeliveryResult, DeliveryStatus
from chatdesk.reading import DeliveryNote
from chatdesk.ticket import TicketNumber
from storage.database import Database
from storage.inbox import TortoiseDeliveries
from storage.outbox import TortoiseOutbox
from storage.reading import TortoiseStaffReads
from storage.store import TortoiseStore
from tests.core_builders import delivery, queue_up, url
from tests.desk_builders import TUESDAY

DANA, EVE = "dana@contoso.example", "eve@fabrikam.example"


@dataclass
class Kept:
    database: Database

    async def failed(
        self, *mails: Delivery, error: str = f"They were told of 5 other tickets {HAD_ENOUGH}"
    ) -> None:
        """Queue mails, and note that each of them failed."""
        await queue_up(TortoiseStore(self.database), *mails)
        outbox = TortoiseOutbox(self.database)
        leased = await outbox.lease(TUESDAY, TUESDAY + timedelta(minutes=2), 500)
        results = [DeliveryResult(one.id, 1, DeliveryStatus.FAILED, error=error) for one in leased]
        await outbox.finish(results, TUESDAY)

    async def problems(self, limit: int = 100) -> list[tuple[str, int]]:
        found = await TortoiseStaffReads(self.database).problems(limit)
        return [(note.delivery.id, note.others) for note in found.deliveries]


def mail(identity: str, to: str = DANA, ticket: int = 1001) -> Delivery:
    """Return a mail about a ticket, in a lane of its own."""
    plain = delivery(identity, identity, "email")
    return replace(
        plain, kind=DeliveryKind.MAIL, ticket=TicketNumber(ticket), payload={"mail": "opened", "to": to}
    )


@pytest.fixture(params=["sqlite", "postgres"])
async def kept(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Kept]:
    async with Database(url(tmp_path, request.param)) as database:
        yield Kept(database)


async def test_a_flood_of_mails_held_back_is_one_problem_and_buries_no_other(kept: Kept) -> None:
    await kept.failed(mail("refused", EVE), error="550 no such mailbox")
    await kept.failed(*(mail(f"d{n}", f"dana+{n}@contoso.example") for n in range(60)), mail("last"))
    await kept.failed(mail("eve", EVE))
    assert await kept.problems(limit=10) == [("eve", 0), ("last", 60), ("refused", 0)]


def test_what_stands_for_others_says_so() -> None:
    for others, said in ((0, ""), (1, "one more mail to them"), (1_200, "1,200 more mails to them")):
        note = note_of(others)
        error = str(problem_json(note, "HD")["error"])
        assert error.startswith(note.error)
        assert said in error


def note_of(others: int) -> DeliveryNote:
    return DeliveryNote(mail("d1"), DeliveryStatus.FAILED, TUESDAY, f"They had mail {HAD_ENOUGH}", others)


async def test_mails_whose_server_is_away_for_long_are_one_problem_and_can_be_tried_at_once(
    kept: Kept,
) -> None:
    await queue_up(TortoiseStore(kept.database), *(mail(f"w{n}", EVE) for n in range(3)), mail("fresh"))
    outbox, at = TortoiseOutbox(kept.database), TUESDAY
    later = at + timedelta(hours=1)
    for attempt in range(1, LONG_TRIED + 1):
        leased = await outbox.lease(at, at + timedelta(minutes=2), 500)
        wait = [
            DeliveryResult(m.id, attempt, DeliveryStatus.PENDING, error="Away.", retry_at=at) for m in leased
        ]
        await outbox.finish([one for one in wait if one.id != "fresh"], at)
        fresh = [one for one in wait if one.id == "fresh"]
        await outbox.finish([replace(one, retry_at=later) for one in fresh], at)
    assert await kept.problems() == [("w2", 2)]
    (note,) = (await TortoiseStaffReads(kept.database).problems(10)).deliveries
    assert note.problem == "Away. It is tried again for a day from its writing. So it is with 2 more mails."
    deliveries = TortoiseDeliveries(kept.database)
    assert (await deliveries.retry("w2", later), await deliveries.retry("fresh", later)) == (True, False)
    assert await kept.problems() == [("w2", 2)]
