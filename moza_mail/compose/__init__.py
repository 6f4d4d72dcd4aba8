"""Rendered content into messages: compiled once for a mailing, then one cheap message a recipient.

`compile_mailing(mailing, mailing_list, links)` encodes what all share; `compiled.message(recipient)` fills the slots and gives
the envelope and the final bytes; `compile_confirmation` does the same for the mail that asks to confirm a sign-up. `Links` makes and reads the signed links; `Identity` holds the keys that sign messages
(DKIM) and where bounces come back.
"""

from moza_mail.compose.compiled import CompiledMailing, compile_mailing
from moza_mail.compose.confirmation import CompiledConfirmation, compile_confirmation
from moza_mail.compose.dkim_key import DkimKey, KeyType, generate_key, is_aligned, load_key
from moza_mail.compose.list_headers import SenderIdentity
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
    "generate_key",
    "is_aligned",
    "load_key",
]
