"""Bounces: where reports come in, and the pure reading of one.

`open_mailbox(text)` gives the letters of a Maildir, an mbox or a folder on a mail server; `read(content)` gives a Report of any bytes
and never raises.
"""

from moza_mail.bounces.classify import classify_message
from moza_mail.bounces.clearing import (
    ClearingResult,
    delete_processed_messages,
    find_processed_files,
    is_on_server,
)
from moza_mail.bounces.imap_url import MailboxAccess
from moza_mail.bounces.mailbox import Mailbox, open_mailbox, save_to_maildir
from moza_mail.bounces.message import MAX_CONTENT, MailboxMessage
from moza_mail.bounces.relay_log import AcceptanceProof, read_relay_log

__all__ = [
    "MAX_CONTENT",
    "AcceptanceProof",
    "ClearingResult",
    "Mailbox",
    "MailboxAccess",
    "MailboxMessage",
    "classify_message",
    "delete_processed_messages",
    "find_processed_files",
    "is_on_server",
    "open_mailbox",
    "read_relay_log",
    "save_to_maildir",
]
