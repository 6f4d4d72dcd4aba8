"""Addresses that reach the same mailbox."""

import pytest

from moza_mail.model.address import Address
from moza_mail.model.mailbox import hash_mailbox, name_mailbox


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("zoe@example.org", "ZOE@EXAMPLE.ORG"),
        ("zoe@example.org", "zoe+nieuws@example.org"),
        ("zoe.bakker@gmail.com", "z.o.e.bakker+x+y@googlemail.com"),
        ("zo\u00eb@example.org", "ZOE\u0308@example.org"),
        ("zoe@b\u00fccher.example", "zoe@xn--bcher-kva.example"),
        ("zoe@B\u00dcCHER.example", "zoe@bu\u0308cher.example"),
        ("zoe.b@protonmail.com", "zoeb@pm.me"),
    ],
)
def test_two_spellings_of_one_mailbox_are_the_same(one, other):
    first, second = (Address.parse(text, international=True) for text in (one, other))
    assert name_mailbox(first) == name_mailbox(second)
    assert hash_mailbox(first) == hash_mailbox(second)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("zoe.bakker@example.org", "zoebakker@example.org"),
        ("zoe@gmail.com", "zoe@example.org"),
        ("+a@example.org", "+b@example.org"),
        ("zoe-a@gmail.com", "zoe-b@gmail.com"),
    ],
)
def test_two_mailboxes_are_different(one, other):
    assert name_mailbox(Address.parse(one)) != name_mailbox(Address.parse(other))
