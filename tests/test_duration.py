from __future__ import annotations

from datetime import timedelta

import pytest

from chatdesk.duration import BusinessDays, Duration, parse_duration
from chatdesk.errors import ChatdeskError, InvalidDuration


@pytest.mark.parametrize(
    ("text", "duration"),
    [
        ("90s", timedelta(seconds=90)),
        ("15m", timedelta(minutes=15)),
        ("3m", timedelta(minutes=3)),
        ("2h", timedelta(hours=2)),
        ("48h", timedelta(hours=48)),
        ("0d", timedelta(0)),
        ("3650d", timedelta(days=3650)),
        ("5bd", BusinessDays(5)),
        (" 5bd ", BusinessDays(5)),
    ],
)
def test_durations_are_a_number_and_a_unit(text: str, duration: Duration) -> None:
    assert parse_duration(text) == duration


@pytest.mark.parametrize(
    "text",
    [
        "",
        "15",
        "m",
        "15 m",
        "1.5h",
        "-2h",
        "+2h",
        "2H",
        "2hours",
        "1h30m",
        "5b",
        "\u0665m",
        "2h\n2h",
        "9999999999s",
    ],
)
def test_any_other_text_is_refused_with_the_forms_that_are_allowed(text: str) -> None:
    with pytest.raises(InvalidDuration) as refused:
        parse_duration(text)
    assert str(refused.value) == (
        f"{text!r} is not a duration: "
        "write a whole number and a unit: 90s, 15m, 2h, 1d or 5bd (business days)"
    )


@pytest.mark.parametrize("value", [15, 1.5, None, True, ["2h"]])
def test_a_value_that_is_not_text_is_refused(value: object) -> None:
    with pytest.raises(InvalidDuration, match=r"is not a duration: .*, in quotes$"):
        parse_duration(value)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("3651d", "'3651d' is too long: use at most 3650d"),
        ("999999999h", "'999999999h' is too long: use at most 3650d"),
        ("3651bd", "3651 business days is out of range: use 0 to 3650"),
    ],
)
def test_more_than_ten_years_is_refused(text: str, message: str) -> None:
    with pytest.raises(InvalidDuration) as refused:
        parse_duration(text)
    assert str(refused.value) == message


def test_business_days_are_not_negative() -> None:
    with pytest.raises(InvalidDuration, match="-1 business days is out of range"):
        BusinessDays(-1)


def test_a_bad_duration_is_an_error_of_the_desk_and_a_value_error() -> None:
    assert issubclass(InvalidDuration, ChatdeskError)
    assert issubclass(InvalidDuration, ValueError)
