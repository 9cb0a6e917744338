"""What the widget costs a page: measured on what is really transferred, compressed."""

from __future__ import annotations

import hashlib
from base64 import b64encode

import aiohttp
import pytest

from adapters.web.squeeze import squeeze_script, squeeze_style
from adapters.web.widget_assets import WidgetAssets
from tests.running_desk import serving

FIRST_REQUEST = 3_000
ALL_PARTS = 15_000
ONE_FLIGHT = 14_600
"""Bytes that a server sends before it waits for the first answer: ten packets of 1,460 (RFC 6928)."""


async def sizes(encoding: str) -> tuple[int, int]:
    """The bytes of the launcher's script and of the chat's, as they are sent in this encoding."""
    headers = {"Accept-Encoding": encoding}
    found = []
    async with serving() as desk, aiohttp.ClientSession(auto_decompress=False, headers=headers) as session:
        for path in ("widget.js", f"widget/chat/{WidgetAssets().digest}.js"):
            async with session.get(f"{desk.base}/{path}") as answer:
                assert answer.headers["Content-Encoding"] == encoding
                found.append(len(await answer.read()))
    return found[0], found[1]


async def test_the_launcher_and_the_whole_chat_stay_within_their_sizes() -> None:
    loader, chat = await sizes("br")
    assert loader <= FIRST_REQUEST
    assert loader + chat <= ALL_PARTS, f"{loader} + {chat} bytes"


async def test_where_a_browser_takes_gzip_only_each_part_still_comes_at_once() -> None:
    loader, chat = await sizes("gzip")
    assert loader <= FIRST_REQUEST
    assert chat <= ONE_FLIGHT


@pytest.mark.parametrize(
    ("accepted", "sent"),
    [
        ("gzip, deflate, br, zstd", "br"),
        ("gzip;q=1.0, BR;q=0.5", "br"),
        ("br;q=0, gzip", "gzip"),
        ("br; q=0.000", None),
        ("deflate", None),
        ("", None),
    ],
)
async def test_each_browser_gets_the_smallest_form_that_it_takes(accepted: str, sent: str | None) -> None:
    headers = {"Accept-Encoding": accepted}
    async with (
        serving() as desk,
        aiohttp.ClientSession(headers=headers) as session,
        session.get(f"{desk.base}/widget.js") as answer,
    ):
        assert answer.headers.get("Content-Encoding") == sent
        assert await answer.read() == WidgetAssets().loader.content


async def test_files_are_cached_by_their_content_and_asked_for_again_with_their_tag() -> None:
    assets = WidgetAssets()
    async with serving() as desk, aiohttp.ClientSession() as session:
        async with session.get(f"{desk.base}/widget/chat/{assets.digest}.js") as answer:
            assert "immutable" in answer.headers["Cache-Control"]
            assert answer.headers["Vary"] == "Accept-Encoding"
        async with session.get(f"{desk.base}/widget/chat/000000000000.js") as answer:
            assert answer.headers["Cache-Control"] == "no-cache"
        again = {"If-None-Match": assets.loader.etag}
        async with session.get(f"{desk.base}/widget.js", headers=again) as answer:
            assert answer.status == 304


async def test_who_takes_no_compression_gets_the_same_script() -> None:
    async with serving() as desk, aiohttp.ClientSession() as session:
        plain = {"Accept-Encoding": "identity"}
        async with session.get(f"{desk.base}/widget.js", headers=plain) as answer:
            assert "Content-Encoding" not in answer.headers
            assert await answer.read() == WidgetAssets().loader.content


async def test_the_loader_carries_the_hash_of_the_chat_that_is_served() -> None:
    async with serving() as desk, aiohttp.ClientSession() as session:
        async with session.get(f"{desk.base}/widget.js") as answer:
            loader = await answer.text()
            assert answer.headers["Access-Control-Allow-Origin"] == "*"
        async with session.get(f"{desk.base}/widget/chat/{WidgetAssets().digest}.js") as answer:
            served = b64encode(hashlib.sha384(await answer.read()).digest()).decode()
    assert f"sha384-{served}" in loader
    assert WidgetAssets().digest in loader


def test_squeezing_leaves_texts_and_templates_as_they_are() -> None:
    script = 'const a = { b: 1 }; // why\nif (a) {\n  say("x  =  // y", `p ${ q } : r`);\n}\n'
    assert squeeze_script(script) == 'const a={b:1};if(a){say("x  =  // y",`p ${ q } : r`)}'


def test_squeezing_joins_the_methods_of_a_class_and_leaves_out_needless_signs() -> None:
    script = "class A {\n  one() {\n    x([1, 2,\n    ]);\n  }\n\n  two() {}\n}\ng();\n"
    assert squeeze_script(script) == "class A{one(){x([1,2])}two(){}}g();"


def test_squeezing_a_style_keeps_the_blanks_that_mean_something() -> None:
    style = "/* why */\n.a .b, .a > .b {\n  margin: 0 auto;\n  height: min(1px, 100dvh - 2px);\n}\n"
    assert squeeze_style(style) == ".a .b,.a > .b{margin:0 auto;height:min(1px,100dvh - 2px)}"
