"""Likely typing errors in the domain of an address."""

import pytest

from moza_mail.model.address import Address
from moza_mail.model.address_typo import COMMON_DOMAINS, REAL_DOMAINS, suggest_address


@pytest.mark.parametrize(
    ("domain", "meant"),
    [
        ("gmial.com", "gmail.com"),
        ("gmail.con", "gmail.com"),
        ("gmial.con", "gmail.com"),
        ("gmaill.com", "gmail.com"),
        ("hotmial.com", "hotmail.com"),
        ("hotmal.nl", "hotmail.nl"),
        ("outlok.com", "outlook.com"),
        ("zigo.nl", "ziggo.nl"),
        ("example.con", "example.com"),
    ],
)
def test_a_likely_typing_error_has_a_suggestion(domain, meant):
    assert str(suggest_address(Address(local="Zoe", domain=domain))) == f"Zoe@{meant}"


@pytest.mark.parametrize(
    "domain",
    [
        *COMMON_DOMAINS,
        *sorted(REAL_DOMAINS),
        "example.org",
        "minbzk.nl",
        "gemeente.example",
        "mail.example.org",
        "email.nl",
        "planten.nl",
    ],
)
def test_a_domain_that_is_probably_correct_has_no_suggestion(domain):
    assert suggest_address(Address(local="a", domain=domain)) is None
