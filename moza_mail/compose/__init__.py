"""Compose messages: compile a mailing once, then fill in the placeholders per recipient.

`compile_mailing` encodes the parts that all messages of a mailing share, and returns a CompiledMailing. Its
method `compose_message` returns the envelope and the final bytes for one recipient. `compile_confirmation`
does the same for confirmation mails. `SignedLinks` makes and reads the links. `SenderIdentity` holds the
DKIM keys and the bounce domain.
"""

from typing import TYPE_CHECKING

from moza_mail.lazy import import_on_first_use

if TYPE_CHECKING:
    from moza_mail.compose.compiled import CompiledMailing, compile_mailing
    from moza_mail.compose.confirmation import CompiledConfirmation, compile_confirmation
    from moza_mail.compose.dkim_key import DkimKey, KeyType, generate_key, is_aligned, load_key
    from moza_mail.compose.list_headers import SenderIdentity
    from moza_mail.compose.notice import compose_notice
    from moza_mail.compose.signed_links import SignedLinks

__all__ = [
    "CompiledConfirmation",
    "CompiledMailing",
    "DkimKey",
    "KeyType",
    "SenderIdentity",
    "SignedLinks",
    "compile_confirmation",
    "compile_mailing",
    "compose_notice",
    "generate_key",
    "is_aligned",
    "load_key",
]

__getattr__ = import_on_first_use(
    __name__,
    compiled="CompiledMailing compile_mailing",
    confirmation="CompiledConfirmation compile_confirmation",
    dkim_key="DkimKey KeyType generate_key is_aligned load_key",
    list_headers="SenderIdentity",
    notice="compose_notice",
    signed_links="SignedLinks",
)
