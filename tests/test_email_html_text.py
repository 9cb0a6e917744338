"""HTML of a mail as a reader sees it: what is hidden is left out, and nothing else."""

from __future__ import annotations

import time

import pytest

from adapters.email.html_text import clean_html, html_to_text


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


@pytest.mark.parametrize(
    ("html", "text"),
    [
        ("It <!-- is -> broken.<p>Really.", "It <!-- is -> broken.\n\nReally."),
        ("It is <a href=x <b>broken</b>.", "It is broken."),
        ("It is <b", "It is <b"),
        ("It is " + "<!--x>" * 30 + "<p>broken.", "It is " + "<!--x>" * 20 + " broken."),
    ],
)
def test_words_stay_where_a_tag_or_comment_has_no_end(html: str, text: str) -> None:
    assert html_to_text(html) == text


@pytest.mark.parametrize("begin", ["", "<pre>", "<a href=https://contoso.example>"])
@pytest.mark.parametrize(
    "filling",
    [
        "a<b>", "a&amp;", " <p>", "a", "<br>", "<div>", "<li>", "<p>", "<pre> <p>", "<", "</", "<!--",
        "<!--x>", "<?", "<![", "<a ", "<a b=", "<a b='", '<a b=">', "<svg>", "<script></",
        "<blockquote type=cite>",
    ],
)  # fmt: skip
def test_html_made_to_take_long_takes_no_longer_than_its_length(begin: str, filling: str) -> None:
    """All mail waits for the one at hand: what grew with its square held the others up."""
    hostile = begin + filling * (300_000 // len(filling)) + "x"
    began = time.process_time()
    html_to_text(hostile)
    clean_html(hostile)
    assert time.process_time() - began < 4.0


def test_the_frame_stays_empty_where_html_is_nested_beyond_all_measure() -> None:
    assert clean_html("<div>" * 1_000 + "x") != ""
    assert clean_html("<div>" * 3_000 + "x") == ""
    assert clean_html("<p>x" * 3_000) != ""
    assert clean_html("<div>x</div>" * 3_000) != ""
