"""HTML of a mail as a reader sees it: what is hidden is left out, and nothing else."""

from __future__ import annotations

import pytest

from adapters.email.html_text import html_to_text


@pytest.mark.parametrize(
    ("html", "text"),
    [
        ("<html><head><title>x</title><body><p>It is broken.</p></body></html>", "It is broken."),
        ("<head><meta charset=utf-8><p>It is broken.", "It is broken."),
        ("<head><title>x</title><b>It</b> is broken.", "It is broken."),
        (
            "<head><noscript><img alt=pixel></noscript><style>p {}</style></head>It is broken.",
            "It is broken.",
        ),
        ("<head><xml><o:p>96</o:p></xml></head><p>It is broken.", "It is broken."),
        ("<p>It<object data=x> is broken.", "It is broken."),
        ("<p>It is<p><object data=x>broken.", "It is\n\nbroken."),
        ("<select>one<p>It is broken.</p>", "It is broken."),
        ("<p>It is</p><svg><text>logo<p>broken.</p>", "It is\n\nbroken."),
        ("It <select><option>one<option>two</select>is broken.", "It is broken."),
        ("It <svg><title>logo</title><text>logo</text></svg>is broken.", "It is broken."),
        ("It </head></select>is broken.", "It is broken."),
        ("<style>p {}</style>It <script>1 < 2</script>is broken.", "It is broken."),
    ],
)
def test_what_was_not_ended_hides_nothing_that_follows(html: str, text: str) -> None:
    assert html_to_text(html) == text
