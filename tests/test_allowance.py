"""What a client may send fills with time, and is the same by whatever connection it comes."""

from __future__ import annotations

from adapters.web.allowance import BURST, KEPT, RATE, Allowance, Allowances


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def taken(allowance: Allowance) -> int:
    count = 0
    while allowance.take():
        count += 1
    return count


def test_a_burst_is_let_through_and_then_so_much_a_second() -> None:
    clock = Clock()
    allowance = Allowance(clock)
    assert taken(allowance) == BURST
    clock.now += 0.5
    assert taken(allowance) == RATE / 2
    clock.now += 3600
    assert taken(allowance) == BURST


def test_what_takes_more_than_is_left_takes_nothing() -> None:
    allowance = Allowance(Clock())
    assert allowance.take(int(BURST) - 1)
    assert not allowance.take(2)
    assert allowance.take()


def test_who_connects_anew_goes_on_with_what_was_left() -> None:
    clock = Clock()
    allowances = Allowances(clock)
    assert taken(allowances.of("dana")) == BURST
    assert taken(allowances.of("marcus")) == BURST
    clock.now += 0.2
    assert taken(allowances.of("dana")) == 10


def test_only_full_buckets_are_forgotten() -> None:
    clock = Clock()
    allowances = Allowances(clock)
    assert taken(allowances.of("dana")) == BURST
    for number in range(3 * KEPT):
        allowances.of(f"visitor {number}")
        clock.now += 0.0001
    assert not allowances.of("dana").full
    assert allowances.kept <= KEPT
