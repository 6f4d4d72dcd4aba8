"""Sending: begin a mailing, deliver it, and report its progress.

The modules `approval`, `schedule`, `due` and `throttle` of this package are public too.
"""

from moza_mail.sending.audit import log_access
from moza_mail.sending.delivery_run import SendSettings, deliver, send_one
from moza_mail.sending.dry_run import DryRunResult, compose_without_sending
from moza_mail.sending.mailings import begin_mailing, draft_mailing, find_duplicate, find_mailing
from moza_mail.sending.progress import MailingProgress, load_progress

__all__ = [
    "DryRunResult",
    "MailingProgress",
    "SendSettings",
    "begin_mailing",
    "compose_without_sending",
    "deliver",
    "draft_mailing",
    "find_duplicate",
    "find_mailing",
    "load_progress",
    "log_access",
    "send_one",
]
