"""Rendered content into messages: compiled once for a mailing, then one cheap message a recipient.

`compile(mailing, mailing_list, links)` encodes what all share; `compiled.message(recipient)` fills the slots and gives
the envelope and the final bytes; `compile_confirmation` does the same for the mail that asks to confirm a sign-up. `Links` makes and reads the signed links; `Identity` holds the keys that sign messages
(DKIM) and where bounces come back.
"""

from moza_mail.compose.compiled import Compiled
from moza_mail.compose.compiled import compile_mailing as compile  # noqa: A004 - read as compose.compile(mailing, ...)
from moza_mail.compose.confirmation import CompiledConfirmation, compile_confirmation
from moza_mail.compose.dkim_key import DkimKey, Kind, aligned, new_key, read_key
from moza_mail.compose.list_headers import Identity
from moza_mail.compose.tokens import UNSUBSCRIBE, Links

__all__ = [
    "UNSUBSCRIBE",
    "Compiled",
    "CompiledConfirmation",
    "DkimKey",
    "Identity",
    "Kind",
    "Links",
    "aligned",
    "compile",
    "compile_confirmation",
    "new_key",
    "read_key",
]
