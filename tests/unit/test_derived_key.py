"""The keys of each purpose: HKDF-SHA256 as another implementation makes it."""

import pytest
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from moza_mail.model.derived_key import derive_key


@pytest.mark.parametrize("length", [16, 32, 33, 64, 255])
def test_a_derived_key_equals_that_of_the_cryptography_library(length):
    secret = b"a secret of the tests"
    other = HKDF(algorithm=SHA256(), length=length, salt=None, info=b"moza-mail a purpose")
    assert derive_key(secret, "a purpose", length) == other.derive(secret)
