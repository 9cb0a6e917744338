"""Ids: all different, of one length, and in the order of time."""

from __future__ import annotations

import pytest

from chatdesk.ids import new_id


def test_ids_are_all_different_and_sort_as_time_does(monkeypatch: pytest.MonkeyPatch) -> None:
    found: list[str] = []
    for second in (1_700_000_000.5, 1_700_000_000.501, 1_700_000_003.0, 1_700_000_004.25, 4_000_000_000.0):
        monkeypatch.setattr("chatdesk.ids.time.time", lambda second=second: second)
        ids = [new_id() for _ in range(200)]
        assert all(len(one) == 24 and int(one, 32) >> 75 == int(second * 8192) for one in ids)
        assert not found or min(ids) > max(found)
        found += ids
    assert len(set(found)) == len(found)
