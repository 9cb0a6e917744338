"""The load of `python -m bench.recovery` comes back by the widget's own rule: the figures have to agree."""

from __future__ import annotations

from pathlib import Path

import pytest

from bench.widget_client import ANSWER_WITHIN, LONGEST_WAIT, Rule

WIDGET = Path(__file__).parent.parent / "adapters/web/static/widget-link.js"


@pytest.mark.parametrize(
    "line",
    [
        f"const ANSWER_WITHIN = {ANSWER_WITHIN * 1000:_.0f};",
        f"const LONGEST_WAIT = {LONGEST_WAIT * 1000:_.0f};",
        "const wait = Math.min(LONGEST_WAIT, 500 * 2 ** this.failures++);",
        "wait * (0.5 + Math.random() / 2)",
        "if (!this.opened && ++this.unopened % this.patience === 0) this.streams = !this.streams || !window",
        "this.patience = 2;",
        "this.patience = 6;",
        "this.failures = this.unopened = 0;",
    ],
)
def test_the_widget_still_has_the_rule_that_the_load_follows(line: str) -> None:
    assert line in WIDGET.read_text(encoding="utf-8")


def test_each_wait_is_twice_the_last_and_half_of_it_is_chance() -> None:
    rule = Rule()
    assert [rule.broke(1.0, opened=True) for _ in range(8)] == [0.5, 1, 2, 4, 8, 16, 30, 30]
    rule.stands()
    assert rule.broke(0.0, opened=True) == 0.25


def test_a_line_that_does_not_open_twice_in_a_row_is_given_up_for_streams() -> None:
    rule = Rule()
    seen = [rule.broke(0.0, opened=opened) and rule.streams for opened in (True, False, False, False, False)]
    assert seen == [False, False, True, True, False]


def test_a_line_that_stood_before_is_given_up_after_six_times() -> None:
    rule = Rule()
    rule.stands()
    seen = [rule.broke(0.0, opened=False) and rule.streams for _ in range(7)]
    assert seen == [False] * 5 + [True] * 2
