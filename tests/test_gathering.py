"""Work done once for all who ask meanwhile."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import pytest

from storage.gathering import Gathering


class Doubling:
    """Doubles numbers when it is let; an odd one is refused."""

    def __init__(self) -> None:
        self.rounds: list[list[int]] = []
        self.go = asyncio.Event()

    async def work(self, asked: Sequence[int]) -> Sequence[int | Exception]:
        self.rounds.append(list(asked))
        await self.go.wait()
        return [ValueError(f"{number} is odd") if number % 2 else number * 2 for number in asked]


async def test_who_asks_while_the_last_is_under_way_is_answered_together() -> None:
    doubling = Doubling()
    gathering = Gathering(doubling.work)
    first = asyncio.create_task(gathering.ask(2))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    others = [asyncio.create_task(gathering.ask(number)) for number in (4, 6)]
    await asyncio.sleep(0)
    doubling.go.set()
    assert [await first, *[await other for other in others]] == [4, 8, 12]
    assert doubling.rounds == [[2], [4, 6]]


async def test_what_is_wrong_with_one_is_raised_to_that_one_only() -> None:
    doubling = Doubling()
    doubling.go.set()
    gathering = Gathering(doubling.work)
    good, bad = await asyncio.gather(gathering.ask(2), gathering.ask(3), return_exceptions=True)
    assert good == 4
    assert isinstance(bad, ValueError)


async def test_a_fault_of_the_work_is_raised_to_all_and_the_next_are_worked_on() -> None:
    async def work(asked: Sequence[int]) -> Sequence[int | Exception]:
        if 0 in asked:
            raise OSError("the disk is full")
        return asked

    gathering = Gathering(work)
    found = await asyncio.gather(gathering.ask(0), gathering.ask(1), return_exceptions=True)
    assert [type(one) for one in found] == [OSError, OSError]
    assert await gathering.ask(2) == 2


async def test_one_who_goes_away_takes_no_answer_from_the_others() -> None:
    doubling = Doubling()
    gathering = Gathering(doubling.work)
    gone, stays = (asyncio.create_task(gathering.ask(number)) for number in (2, 4))
    await asyncio.sleep(0)
    gone.cancel()
    doubling.go.set()
    with pytest.raises(asyncio.CancelledError):
        await gone
    assert await stays == 8
