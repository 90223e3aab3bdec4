"""What the app refuses to start with."""

import pytest
from pydantic import ValidationError

from shared.access.issuer import AUTHORITY
from shared.settings import Settings

TENANT = "7A1C7D1E-0f5b-4d7b-9d5f-2b0f4f1c9a11"


def settings(**changes: str) -> Settings:
    given = {
        "signalbox_master_keys": "k:AA==",
        "signalbox_entra_tenant": TENANT,
        "signalbox_entra_audiences": "api://signalbox",
    }
    return Settings.model_validate(given | changes)


def test_the_issuer_is_the_tenant_at_microsofts_authority_unless_another_is_named():
    issuer = settings(
        signalbox_entra_audiences=" api://signalbox, 0b7e0b7e-1111-4222-8333-444455556666,"
    ).issuer

    assert issuer is not None
    assert issuer.tenant == TENANT.lower()
    assert issuer.authority == AUTHORITY
    assert issuer.audiences == {"api://signalbox", "0b7e0b7e-1111-4222-8333-444455556666"}


@pytest.mark.parametrize("audiences", ["", " ", ","])
def test_without_an_audience_no_tokens_are_taken(audiences):
    assert settings(signalbox_entra_audiences=audiences).issuer is None


@pytest.mark.parametrize("tenant", ["", "common", "organizations", "contoso.onmicrosoft.com", f"{TENANT}/x"])
def test_a_tenant_is_named_by_its_id(tenant):
    with pytest.raises(ValidationError, match="the id of the tenant"):
        settings(signalbox_entra_tenant=tenant)


@pytest.mark.parametrize(
    ("authority", "taken"),
    [
        ("", AUTHORITY),
        ("https://login.microsoftonline.us", "https://login.microsoftonline.us"),
        ("https://login.microsoftonline.com/", AUTHORITY),
        ("http://127.0.0.1:5000", "http://127.0.0.1:5000"),
        ("http://[::1]:5000", "http://[::1]:5000"),
        ("https://127.0.0.1:5000", "https://127.0.0.1:5000"),
    ],
)
def test_an_authority_is_taken_over_https_or_on_this_machine(authority, taken):
    issuer = settings(signalbox_entra_authority=authority).issuer

    assert issuer is not None
    assert issuer.authority == taken


@pytest.mark.parametrize(
    "authority",
    [
        "http://login.microsoftonline.com",
        "http://localhost:5000",
        "http://127.0.0.1.example.com",
        "http://127.0.0.1@example.com",
        "http://10.0.0.5",
        "ftp://127.0.0.1",
        "login.microsoftonline.com",
        "https://",
        "https://user@login.microsoftonline.com",
        "https://login.microsoftonline.com/common",
        "https://login.microsoftonline.com?x=1",
    ],
)
def test_no_other_authority_is_taken(authority):
    with pytest.raises(ValidationError, match="https://<host>"):
        settings(signalbox_entra_authority=authority)
