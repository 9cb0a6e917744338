"""A site's token names its visitor only when all of it fits: none, old, foreign, edited [threat 2]."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import jwt
import pytest

from adapters.web.identity_token import IdentityRefused, check_identity, make_identity
from chatdesk.site_identity import VouchedPerson
from tests.signing_keys import new_rsa_key
from tests.site_tokens import OLD_SECRET, OTHER_SECRET, SECRET, STRICT, WIDGET, claims, part, token

NOW = datetime(2026, 9, 15, 14, 12, tzinfo=UTC)
SECONDS = int(NOW.timestamp())
DAY = 24 * 3600
DANA = VouchedPerson("dana@contoso.example", "Dana Reyes", "555-0134")
GOOD = claims(SECONDS)
HEAD, BODY, SIGNATURE = token(GOOD).split(".")


NO_NAMES: tuple[object, ...] = ("", " ", "\u2800", "a\nb", "n" * 301, 7, {})


def check(given: str, secrets: tuple[str, ...] = (SECRET, OLD_SECRET)) -> VouchedPerson:
    return check_identity(given, secrets, WIDGET, NOW)


def without(*names: str) -> dict[str, Any]:
    return {name: value for name, value in GOOD.items() if name not in names}


def by_key_pair() -> str:
    return jwt.encode(dict(GOOD), new_rsa_key(), "RS256")


@pytest.mark.parametrize(
    "said",
    [
        GOOD,
        {**GOOD, "aud": [WIDGET]},
        {**GOOD, "exp": SECONDS + DAY},
        {**GOOD, "exp": SECONDS - 59},
        {**GOOD, "iat": SECONDS + 59, "nbf": SECONDS + 59},
        {**GOOD, "sub": 7, "jti": 7, "iss": "https://intranet.contoso.example"},
        {**GOOD, "email": " Dana@Contoso.example "},
    ],
)
def test_a_good_token_names_the_visitor(said: dict[str, Any]) -> None:
    assert check(token(said)) == DANA


def test_the_old_secret_is_good_beside_the_new_one_until_it_is_taken_out() -> None:
    assert check(token(GOOD, OLD_SECRET)) == DANA
    with pytest.raises(IdentityRefused, match="no secret of the company"):
        check(token(GOOD, OLD_SECRET), (SECRET,))


def test_a_library_makes_the_same_tokens() -> None:
    assert check(jwt.encode(dict(GOOD), SECRET, "HS256")) == DANA
    made = make_identity(DANA, SECRET, WIDGET, NOW, timedelta(hours=1))
    assert jwt.decode(made, SECRET, ["HS256"], options={"verify_signature": False}) == GOOD
    assert (
        check(make_identity(VouchedPerson("a@b.example", "A"), SECRET, WIDGET, NOW, timedelta(1))).phone == ""
    )


@pytest.mark.parametrize(
    ("said", "reason"),
    [
        # old
        ({**GOOD, "exp": SECONDS - 60}, "expired"),
        ({**GOOD, "exp": 0}, "expired"),
        ({**GOOD, "exp": float("nan")}, "expired"),
        ({**GOOD, "exp": float("-inf")}, "expired"),
        # for too long, or not yet
        ({**GOOD, "exp": SECONDS + DAY + 61}, "too long"),
        ({**GOOD, "exp": float("inf")}, "too long"),
        ({**GOOD, "exp": 10**400}, "too long"),
        ({**GOOD, "exp": (SECONDS + 300) * 1000}, "too long"),
        ({**GOOD, "iat": SECONDS + 61}, "not valid yet"),
        ({**GOOD, "iat": float("nan")}, "not valid yet"),
        ({**GOOD, "nbf": SECONDS + 61}, "not valid yet"),
        *(({**GOOD, "exp": exp}, "no numbers") for exp in (str(SECONDS + 300), True, [SECONDS])),
        *((without(name), "MissingRequiredClaimError") for name in ("aud", "exp", "iat")),
        ({**GOOD, "exp": None}, "MissingRequiredClaimError"),
        # foreign
        *(
            ({**GOOD, "aud": aud}, "another widget")
            for aud in (STRICT, [WIDGET, STRICT], [], "", 7, {WIDGET: 1})
        ),
        # nobody
        *((without(name), "cannot be used") for name in ("email", "name")),
        *(
            ({**GOOD, "email": email}, "cannot be used")
            for email in ("", "dana", "a@b.example,c@d.example", "Dana <a@b.example>", 7, ["a@b.example"])
        ),
        *(
            ({**GOOD, "email": f"{local}@contoso.example"}, "cannot be used")
            for local in (".a", "a.", "a..b")
        ),
        ({**GOOD, "email": "dana@contoso.example\nBcc: lee@evil.example"}, "cannot be used"),
        ({**GOOD, "email": f"{'d' * 65}@contoso.example"}, "cannot be used"),
        *(({**GOOD, "name": name}, "cannot be used") for name in NO_NAMES),
    ],
)
def test_a_signed_token_that_does_not_fit_names_nobody(said: dict[str, Any], reason: str) -> None:
    with pytest.raises(IdentityRefused, match=reason):
        check(token(said))


@pytest.mark.parametrize(
    "given",
    [
        # none
        "",
        "null",
        " ",
        # foreign
        token(GOOD, OTHER_SECRET),
        token(GOOD, ""),
        token(GOOD, SECRET, algorithm="HS384", digest="sha384"),
        token(GOOD, SECRET, algorithm="HS512", digest="sha512"),
        token(GOOD, SECRET, algorithm="hs256"),
        by_key_pair(),
        # edited
        f"{HEAD}.{part({**GOOD, 'email': 'boss@contoso.example'})}.{SIGNATURE}",
        f"{HEAD}.{BODY}.{'A' if SIGNATURE[0] != 'A' else 'B'}{SIGNATURE[1:]}",
        f"{HEAD}.{BODY}.{SIGNATURE[:-4]}",
        f"{HEAD}.{BODY}.",
        f"{HEAD}.{BODY}",
        f"{part({'alg': 'none'})}.{BODY}.",
        f"{part({'alg': 'none'})}.{BODY}.{SIGNATURE}",
        f"{part({'alg': 'None', 'typ': 'JWT'})}.{BODY}.{SIGNATURE}",
        f"{part({'typ': 'JWT'})}.{BODY}.{SIGNATURE}",
        f"{part({'alg': ['HS256']})}.{BODY}.{SIGNATURE}",
        f"{part(None)}.{BODY}.{SIGNATURE}",
        f"{HEAD}.{BODY}.{SIGNATURE}.{SIGNATURE}",
        f" {HEAD}.{BODY}.{SIGNATURE}",
        f"{HEAD}.{BODY}.{SIGNATURE}\n",
        f"{HEAD}.{BODY}.{SIGNATURE}é",
        f"{HEAD}.{BODY}.{SIGNATURE}\ud800",
        # not made by anybody in earnest
        token([GOOD]),
        "a.b.c",
        "." * 3,
        f"{'WltbW1tb' * 400}.{BODY}.{SIGNATURE}",
    ],
)
def test_a_token_that_is_not_signed_by_the_site_names_nobody(given: str) -> None:
    with pytest.raises(IdentityRefused) as refused:
        check(given)
    assert not given.strip() or given not in str(refused.value)


def test_a_token_that_is_too_long_names_nobody_however_well_it_is_signed() -> None:
    assert check(token({**GOOD, "note": "x" * 2_000})) == DANA
    with pytest.raises(IdentityRefused, match="too long"):
        check(token({**GOOD, "note": "x" * 4_096}))


@pytest.mark.parametrize("phone", ["", "call me", "12", 5550134, None, ["555-0134"], "5" * 101])
def test_a_number_that_cannot_be_used_is_left_to_be_asked(phone: object) -> None:
    assert check(token({**GOOD, "phone": phone})) == VouchedPerson(DANA.email, DANA.name)


def test_without_a_secret_no_token_is_good() -> None:
    with pytest.raises(IdentityRefused):
        check(token(GOOD), ())


def test_the_reason_holds_nothing_of_the_token() -> None:
    for given in (f"{HEAD[:-2]}!!.{BODY}.{SIGNATURE}", f"{'e30'}.{BODY}.{SIGNATURE}", json.dumps(GOOD)):
        with pytest.raises(IdentityRefused) as refused:
            check(given)
        assert "dana" not in str(refused.value)
        assert BODY not in str(refused.value)
