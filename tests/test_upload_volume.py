"""adapters.web.upload_volume: how many bytes one party sends in a day."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from adapters.web import upload_volume
from adapters.web.upload_volume import DAY, UploadVolume

NOON = datetime(2026, 9, 15, 12, tzinfo=UTC)


def test_what_is_too_much_in_a_day_is_refused_and_what_still_fits_is_not() -> None:
    volume = UploadVolume(100)

    assert volume.take("office", 60, NOON) is None
    assert volume.take("office", 41, NOON + timedelta(hours=1)) == timedelta(hours=23)
    assert volume.take("office", 40, NOON + timedelta(hours=1)) is None
    assert volume.take("home", 100, NOON) is None
    assert volume.take("office", 100, NOON + DAY) is None


def test_a_clock_that_was_ahead_holds_nobody_up_for_longer_than_a_day() -> None:
    volume = UploadVolume(100)
    volume.take("office", 100, NOON + timedelta(days=365))

    assert volume.take("office", 1, NOON) == DAY
    assert volume.take("office", 1, NOON + DAY) is None


def test_only_so_many_parties_are_remembered(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(upload_volume, "MAX_PARTIES", 2)
    volume = UploadVolume(100)
    for party in ("a", "b", "c"):
        volume.take(party, 100, NOON)

    assert volume.take("a", 100, NOON) is None
    assert volume.take("c", 1, NOON) is not None
