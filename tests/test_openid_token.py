"""Tokens are believed only when all of them fits [threat 24], addresses when vouched for [threats 22, 23]."""

from __future__ import annotations

import base64
import hmac
import json
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from jwt import PyJWK
from jwt.algorithms import RSAAlgorithm

from adapters.web.openid_attempt import SignInAttempt
from adapters.web.openid_person import person_in
from adapters.web.openid_token import Expected, SigningKey, TokenRefused, check_token, key_id
from chatdesk.config import parse_config
from tests.fake_openid import CONTOSO_TENANT, OTHER_TENANT, rsa_key, sign

ISSUER, CLIENT, NONCE = "https://accounts.example", "client-1", "nonce-1"
NOW = datetime(2026, 9, 15, 14, 12, tzinfo=UTC)
GOOD: Mapping[str, Any] = {
    "iss": ISSUER,
    "aud": CLIENT,
    "sub": "dana-1",
    "nonce": NONCE,
    "iat": int(NOW.timestamp()),
    "exp": int(NOW.timestamp()) + 300,
    "email": "dana@contoso.example",
}
EXPECTED = Expected(ISSUER, CLIENT, NONCE)
MICROSOFT = "https://login.example/{tenantid}/v2.0"
CONFIG = parse_config(
    '[desk]\nname = "Northwind IT"\n[companies.contoso]\nname = "Contoso"\ndomains = ["contoso.example"]\n'
    f'teams_tenants = ["{CONTOSO_TENANT.upper()}"]\n',
    "chatdesk.toml",
)
Bend = Callable[[dict[str, Any]], Any]


def public(name: str = "first", issuer: str = "") -> SigningKey:
    return SigningKey(PyJWK(json.loads(RSAAlgorithm.to_jwk(rsa_key(name).public_key())), "RS256"), issuer)


def without(*names: str) -> Bend:
    return lambda claims: {name: value for name, value in claims.items() if name not in names}


def test_a_token_that_fits_says_who_it_is() -> None:
    token = sign(GOOD)
    assert key_id(token) == "first"
    assert check_token(token, public(), EXPECTED, NOW)["sub"] == "dana-1"
    assert check_token(sign({**GOOD, "aud": [CLIENT], "azp": CLIENT}), public(), EXPECTED, NOW)


SECONDS = int(NOW.timestamp())


@pytest.mark.parametrize(
    ("bend", "reason"),
    [
        (lambda c: {**c, "iss": "https://evil.example"}, "another issuer"),
        (lambda c: {**c, "iss": ISSUER + "/"}, "another issuer"),
        (lambda c: {**c, "aud": "client-2"}, "another audience"),
        (lambda c: {**c, "aud": ["client-2", CLIENT]}, "another audience"),
        (lambda c: {**c, "aud": []}, "another audience"),
        (lambda c: {**c, "azp": "client-2"}, "another party"),
        (lambda c: {**c, "nonce": "nonce-2"}, "another attempt"),
        (lambda c: {**c, "nonce": ""}, "another attempt"),
        (lambda c: {**c, "exp": SECONDS - 121}, "expired"),
        (lambda c: {**c, "exp": str(SECONDS + 300)}, "no numbers"),
        (lambda c: {**c, "exp": True}, "no numbers"),
        (lambda c: {**c, "exp": float("nan")}, "expired"),
        (lambda c: {**c, "iat": SECONDS + 121}, "not valid yet"),
        (lambda c: {**c, "nbf": SECONDS + 121}, "not valid yet"),
        (lambda c: {**c, "sub": ""}, "names nobody"),
        (lambda c: {**c, "sub": 7}, "names nobody"),
        *((without(name), "Missing") for name in ("iss", "aud", "sub", "nonce", "iat", "exp")),
    ],
)
def test_a_token_that_does_not_fit_is_refused(bend: Bend, reason: str) -> None:
    with pytest.raises(TokenRefused, match=reason):
        check_token(sign(bend(dict(GOOD))), public(), EXPECTED, NOW)


def bent_signature() -> str:
    head, body, signature = sign(GOOD).split(".")
    return f"{head}.{body}.{'A' if signature[0] != 'A' else 'B'}{signature[1:]}"


def other_words() -> str:
    head, _, signature = sign(GOOD).split(".")
    return f"{head}.{sign({**GOOD, 'email': 'lee@contoso.example'}).split('.')[1]}.{signature}"


def signed_with_the_public_key() -> str:
    """Return what passes where a token may choose HS256 by itself: everybody knows the public key."""
    pem = (
        rsa_key("first")
        .public_key()
        .public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    )
    head = {"alg": "HS256", "typ": "JWT", "kid": "first"}
    signed = ".".join(encoded(json.dumps(part).encode()) for part in (head, dict(GOOD)))
    return f"{signed}.{encoded(hmac.digest(pem, signed.encode(), 'sha256'))}"


def encoded(part: bytes) -> str:
    return base64.urlsafe_b64encode(part).rstrip(b"=").decode()


FORGED: Mapping[str, Callable[[], str]] = {
    "another key": lambda: sign(GOOD, key="second"),
    "none": lambda: sign(GOOD, algorithm="none"),
    "another algorithm": lambda: sign(GOOD, algorithm="RS512"),
    "a shared secret": lambda: jwt.encode(dict(GOOD), "secret" * 8, "HS256", headers={"kid": "first"}),
    "the public key as a secret": signed_with_the_public_key,
    "a bent signature": bent_signature,
    "other words": other_words,
    "no signature": lambda: sign(GOOD).rpartition(".")[0] + ".",
    "no token": lambda: "a.b.c",
    "nothing": lambda: "",
}


@pytest.mark.parametrize("how", FORGED)
def test_a_token_that_the_services_key_has_not_signed_is_refused(how: str) -> None:
    with pytest.raises(TokenRefused):
        check_token(FORGED[how](), public(), EXPECTED, NOW)


@pytest.mark.parametrize("token", ["", "a.b.c", jwt.encode({"a": 1}, "s" * 32, "HS256")])
def test_a_token_that_names_no_key_is_refused(token: str) -> None:
    with pytest.raises(TokenRefused):
        key_id(token)


def microsoft(tenant: object, issuer_tenant: str, key_issuer: str = "") -> Mapping[str, object]:
    claims = {**GOOD, "iss": MICROSOFT.replace("{tenantid}", issuer_tenant), "tid": tenant}
    key = public(issuer=key_issuer)
    return check_token(sign(claims), key, Expected(MICROSOFT, CLIENT, NONCE), NOW)


@pytest.mark.parametrize(
    "key_issuer", ["", MICROSOFT, MICROSOFT.replace("{tenantid}", CONTOSO_TENANT)], ids=["", "any", "its own"]
)
def test_at_microsoft_each_tenant_is_an_issuer_of_its_own(key_issuer: str) -> None:
    assert microsoft(CONTOSO_TENANT, CONTOSO_TENANT, key_issuer)["tid"] == CONTOSO_TENANT


@pytest.mark.parametrize(
    ("tenant", "issuer_tenant", "key_issuer"),
    [
        (CONTOSO_TENANT, OTHER_TENANT, ""),
        (None, CONTOSO_TENANT, ""),
        ("", "", ""),
        ("{tenantid}", "{tenantid}", ""),
        ("common", "common", ""),
        (f"{CONTOSO_TENANT}/v2.0/../x", f"{CONTOSO_TENANT}/v2.0/../x", ""),
        ([CONTOSO_TENANT], CONTOSO_TENANT, ""),
        (CONTOSO_TENANT, CONTOSO_TENANT, MICROSOFT.replace("{tenantid}", OTHER_TENANT)),
        (CONTOSO_TENANT, CONTOSO_TENANT, "https://evil.example/{tenantid}/v2.0"),
    ],
)
def test_a_token_of_another_tenant_than_its_issuer_or_its_key_is_refused(
    tenant: object, issuer_tenant: str, key_issuer: str
) -> None:
    with pytest.raises(TokenRefused):
        microsoft(tenant, issuer_tenant, key_issuer)


@pytest.mark.parametrize(
    ("service", "claims", "vouched"),
    [
        ("google", {"email_verified": True, "hd": "contoso.example"}, True),
        ("google", {"email_verified": True, "email": "dana@gmail.com"}, True),
        ("google", {"email_verified": True}, False),
        ("google", {"email_verified": False, "hd": "contoso.example"}, False),
        ("google", {"email_verified": "true", "hd": "contoso.example"}, False),
        ("google", {"email_verified": "false", "hd": "contoso.example"}, False),
        ("google", {"email_verified": 1, "hd": "contoso.example"}, False),
        ("google", {"hd": "contoso.example"}, False),
        ("google", {"xms_edov": True}, False),
        ("google", {"email_verified": True, "email": "dana@evilgmail.com"}, False),
        ("microsoft", {"xms_edov": True, "tid": OTHER_TENANT}, True),
        ("microsoft", {"xms_edov": "1", "tid": OTHER_TENANT}, True),
        ("microsoft", {"xms_edov": False, "tid": OTHER_TENANT}, False),
        ("microsoft", {"xms_edov": "false", "tid": OTHER_TENANT}, False),
        ("microsoft", {"xms_edov": 0, "tid": OTHER_TENANT}, False),
        ("microsoft", {"xms_edov": [True], "tid": OTHER_TENANT}, False),
        ("microsoft", {"tid": OTHER_TENANT}, False),
        ("microsoft", {"email_verified": True, "tid": OTHER_TENANT}, False),
        ("microsoft", {"tid": CONTOSO_TENANT}, True),
        ("microsoft", {"tid": CONTOSO_TENANT, "email": "fay@fabrikam.example"}, False),
        (
            "microsoft",
            {"tid": CONTOSO_TENANT, "email": "", "preferred_username": "dana@contoso.example"},
            False,
        ),
    ],
)
def test_an_address_counts_only_if_its_service_vouches_for_it(
    service: str, claims: Mapping[str, Any], vouched: bool
) -> None:
    assert (person_in(service, {**GOOD, **claims}, CONFIG) is not None) == vouched


@pytest.mark.parametrize(
    "email",
    ["", "dana", "@contoso.example", "dana@", "a@b@contoso.example", "a b@contoso.example",
     "dana@contoso.example\n", "x" * 110 + "@contoso.example", None, ["dana@contoso.example"]],
)  # fmt: skip
def test_what_is_no_address_is_nobodys(email: object) -> None:
    claims = {**GOOD, "email_verified": True, "hd": "contoso.example", "email": email}
    found = person_in("google", claims, CONFIG)
    assert found is None or found.address == "dana@contoso.example"


def test_a_person_is_issuer_tenant_and_object_and_their_address_is_in_lower_case() -> None:
    claims = {
        **GOOD,
        "xms_edov": True,
        "tid": CONTOSO_TENANT,
        "oid": "object-1",
        "email": "Dana@Contoso.Example",
    }
    found = person_in("microsoft", {**claims, "name": "Dana\u202e Reyes\n"}, CONFIG)
    assert found is not None
    assert (found.issuer, found.tenant, found.subject) == (ISSUER, CONTOSO_TENANT, "object-1")
    assert (found.address, found.name) == ("dana@contoso.example", "Dana Reyes")
    nameless = person_in("microsoft", claims, CONFIG)
    assert nameless is not None
    assert nameless.name == "dana@contoso.example"


def test_an_attempt_is_bound_to_the_browsers_secret_and_to_one_service() -> None:
    attempt = SignInAttempt("s" * 43, "google")
    made = {attempt.state, attempt.nonce, attempt.code_verifier, attempt.code_challenge}
    assert len(made) == 4
    assert "s" * 10 not in "".join(made)
    assert 43 <= len(attempt.code_verifier) <= 128
    assert attempt.began(attempt.state)
    for other in (SignInAttempt("t" * 43, "google"), SignInAttempt("s" * 43, "microsoft")):
        assert not attempt.began(other.state)
    assert not attempt.began("")
    assert not attempt.began("é")
    assert not SignInAttempt("", "google").began(SignInAttempt("", "google").state)


def test_the_leeway_is_two_minutes() -> None:
    late = NOW + timedelta(seconds=300 + 119)
    assert check_token(sign(GOOD), public(), EXPECTED, late)
    with pytest.raises(TokenRefused, match="expired"):
        check_token(sign(GOOD), public(), EXPECTED, late + timedelta(seconds=1))
