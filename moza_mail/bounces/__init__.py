"""Read the bounce mailbox and classify its messages.

Also find lines in a relay's log which prove that the relay accepted a message.
"""

from typing import TYPE_CHECKING

from moza_mail.lazy import import_on_first_use

if TYPE_CHECKING:
    from moza_mail.bounces.classify import classify_message
    from moza_mail.bounces.imap_url import is_imap_url
    from moza_mail.bounces.log_period import read_log_period
    from moza_mail.bounces.mailbox import (
        Mailbox,
        delete_processed_messages,
        find_processed_files,
        open_mailbox,
        save_to_maildir,
    )
    from moza_mail.bounces.message import MAX_CONTENT, ClearingResult, MailboxMessage
    from moza_mail.bounces.relay_log import read_relay_log

__all__ = [
    "MAX_CONTENT",
    "ClearingResult",
    "Mailbox",
    "MailboxMessage",
    "classify_message",
    "delete_processed_messages",
    "find_processed_files",
    "is_imap_url",
    "open_mailbox",
    "read_log_period",
    "read_relay_log",
    "save_to_maildir",
]

__getattr__ = import_on_first_use(
    __name__,
    classify="classify_message",
    imap_url="is_imap_url",
    log_period="read_log_period",
    mailbox="Mailbox delete_processed_messages find_processed_files open_mailbox save_to_maildir",
    message="MAX_CONTENT ClearingResult MailboxMessage",
    relay_log="read_relay_log",
)
