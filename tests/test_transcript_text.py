"""The words of a transcript's text version."""

from __future__ import annotations

import pytest

from chatdesk.transcript_text import say_size


@pytest.mark.parametrize(
    ("size", "words"),
    [
        (0, "0 bytes"), (1, "1 byte"), (999, "999 bytes"), (1_000, "1 kB"), (1_540, "1.5 kB"),
        (120_400, "120 kB"), (999_499, "999 kB"), (999_500, "1 MB"), (12_000_000, "12 MB"),
        (10_000_000_000, "10,000 MB"),
    ],
)  # fmt: skip
def test_sizes_are_said_in_round_units(size: int, words: str) -> None:
    assert say_size(size) == words
