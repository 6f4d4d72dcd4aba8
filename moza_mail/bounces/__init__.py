"""Bounces: where reports come in, and the pure reading of one.

`open_mailbox(text)` gives the letters of a Maildir, an mbox or a folder on a mail server; `read(content)` gives a Report of any bytes
and never raises.
"""

from moza_mail.bounces.classify import read
from moza_mail.bounces.clearing import Cleared, clear_server, old_letters, on_server
from moza_mail.bounces.imap_url import Access
from moza_mail.bounces.mailbox import Mailbox, keep, open_mailbox
from moza_mail.bounces.message import LONGEST, Letter
from moza_mail.bounces.relay_log import Proof, read_relay_log

__all__ = [
    "LONGEST",
    "Access",
    "Cleared",
    "Letter",
    "Mailbox",
    "Proof",
    "clear_server",
    "keep",
    "old_letters",
    "on_server",
    "open_mailbox",
    "read",
    "read_relay_log",
]
