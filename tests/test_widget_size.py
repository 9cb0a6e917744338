"""What the widget costs a page: measured on what is really transferred, compressed."""

from __future__ import annotations

import hashlib
from base64 import b64encode

import aiohttp

from adapters.web.squeeze import squeeze_script, squeeze_style
from adapters.web.widget_assets import WidgetAssets
from tests.running_desk import serving

FIRST_REQUEST = 3_000
ALL_PARTS = 15_800
ONE_FLIGHT = 14_000
"""Bytes that a server sends before it waits for the first answer: ten packets (RFC 6928), less the head."""


async def test_the_launcher_and_the_whole_chat_stay_within_their_sizes() -> None:
    headers = {"Accept-Encoding": "gzip"}
    async with serving() as desk, aiohttp.ClientSession(auto_decompress=False, headers=headers) as session:
        async with session.get(f"{desk.base}/widget.js") as answer:
            assert answer.headers["Content-Encoding"] == "gzip"
            loader = len(await answer.read())
        digest = WidgetAssets().digest
        async with session.get(f"{desk.base}/widget/chat/{digest}.js") as answer:
            assert answer.headers["Content-Encoding"] == "gzip"
            chat = len(await answer.read())
    assert loader <= FIRST_REQUEST
    assert chat <= ONE_FLIGHT
    assert loader + chat <= ALL_PARTS, f"{loader} + {chat} bytes"


async def test_files_are_cached_by_their_content_and_asked_for_again_with_their_tag() -> None:
    assets = WidgetAssets()
    async with serving() as desk, aiohttp.ClientSession() as session:
        async with session.get(f"{desk.base}/widget/chat/{assets.digest}.js") as answer:
            assert "immutable" in answer.headers["Cache-Control"]
            assert "gzip" in answer.headers["Content-Encoding"]
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
