"""The loads keep rules: `bench.recovery` comes back as the widget does, `bench.surveys` floods no socket."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest
from pydantic_core import from_json

from adapters.web.allowance import RATE
from bench.surveys import SOCKETS, Client
from bench.websocket import Socket
from bench.widget_client import ANSWER_WITHIN, GROWING_WAIT, LEAST_WAIT, LONGEST_WAIT, Rule

WIDGET = Path(__file__).parent.parent / "adapters/web/static/widget-link.js"


@pytest.mark.parametrize(
    "line",
    [
        f"const ANSWER_WITHIN = {ANSWER_WITHIN * 1000:_.0f};",
        f"Math.min({LONGEST_WAIT * 500:_.0f}, {LEAST_WAIT * 500:.0f} + {GROWING_WAIT * 500:.0f} * 2 **",
        "* 2 ** this.failures++);",
        "this.failures += !this.up;",
        "half * (1 + Math.random())",
        "if (!this.opened && !(++this.unopened % this.patience)) this.streams = !this.streams || !window",
        "this.patience = 2;",
        "this.patience = 6;",
        "this.failures = this.unopened = 0;",
    ],
)
def test_the_widget_still_has_the_rule_that_the_load_follows(line: str) -> None:
    assert line in WIDGET.read_text(encoding="utf-8")


def test_a_desk_is_looked_for_often_and_then_ever_less() -> None:
    rule = Rule()
    waits = [round(rule.broke(1.0, opened=True), 3) for _ in range(12)]
    assert waits == [0.75, 0.8, 0.9, 1.1, 1.5, 2.3, 3.9, 7.1, 13.5, 26.3, 30, 30]
    rule.stands()
    assert rule.broke(1.0, opened=True) == 0.75


def test_half_of_each_wait_is_chance() -> None:
    assert Rule().broke(0.0, opened=True) == 0.375


def test_a_page_that_the_desk_refuses_waits_longer_sooner() -> None:
    rule, waits = Rule(), []
    for _ in range(5):
        rule.refused()
        waits.append(round(rule.broke(1.0, opened=True), 3))
    assert waits == [0.8, 1.1, 2.3, 7.1, 26.3]


def test_a_line_that_does_not_open_twice_in_a_row_is_given_up_for_streams() -> None:
    rule = Rule()
    seen = [rule.broke(0.0, opened=opened) and rule.streams for opened in (True, False, False, False, False)]
    assert seen == [False, False, True, True, False]


def test_a_line_that_stood_before_is_given_up_after_six_times() -> None:
    rule = Rule()
    rule.stands()
    seen = [rule.broke(0.0, opened=False) and rule.streams for _ in range(7)]
    assert seen == [False] * 5 + [True] * 2


class AnsweringSocket(Socket):
    """Acknowledges what it is sent, and counts it under its name."""

    def __init__(self, name: int, sent: Counter[int]) -> None:
        super().__init__(b"")
        self._name = name
        self._sent = sent

    def send(self, payload: bytes) -> None:
        self._sent[self._name] += 1
        self._keep(f'{{"t":"ack","id":"{from_json(payload)["id"]}","seq":2}}'.encode())


async def test_a_client_that_sends_all_that_its_sockets_may_takes_no_more_than_its_part_of_each() -> None:
    sent: Counter[int] = Counter()
    client = Client([AnsweringSocket(number, sent) for number in range(SOCKETS)], 1)
    for _ in range(int(RATE) * SOCKETS):
        await client.send()
    assert sent == dict.fromkeys(range(SOCKETS), RATE)
