"""Sending: begin a mailing, deliver it, and report its progress.

The modules `approval`, `schedule`, `due` and `throttle` of this package are public too.
"""

from typing import TYPE_CHECKING

from moza_mail.lazy import import_on_first_use

if TYPE_CHECKING:
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

__getattr__ = import_on_first_use(
    __name__,
    audit="log_access",
    delivery_run="SendSettings deliver send_one",
    dry_run="DryRunResult compose_without_sending",
    mailings="begin_mailing draft_mailing find_duplicate find_mailing",
    progress="MailingProgress load_progress",
)
