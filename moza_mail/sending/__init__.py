"""Send a mailing: prepare it, deliver it in batches, and record what became of each message."""

from moza_mail.sending.approval import (
    ApprovalState,
    ApprovalStatus,
    approve,
    find_approval_status,
    require_approval,
    withdraw_approvals,
)
from moza_mail.sending.audit import log_access
from moza_mail.sending.compose_ahead import AHEAD, CHUNK, recipient_of, run_in_threads
from moza_mail.sending.deliver import (
    MailingProgress,
    SendSettings,
    begin_mailing,
    deliver,
    draft_mailing,
    find_duplicate,
    find_mailing,
    load_progress,
    send_test,
)
from moza_mail.sending.dry_run import DryRunResult, compose_without_sending
from moza_mail.sending.schedule import (
    DueState,
    PlannedIssue,
    due_state,
    find_lost_mailings,
    is_idle,
    list_due_states,
    lost_mailing_key,
    plan_issue,
)
from moza_mail.sending.throttle import OVERALL, Throttle

__all__ = [
    "AHEAD",
    "CHUNK",
    "OVERALL",
    "ApprovalState",
    "ApprovalStatus",
    "DryRunResult",
    "DueState",
    "MailingProgress",
    "PlannedIssue",
    "SendSettings",
    "Throttle",
    "approve",
    "begin_mailing",
    "compose_without_sending",
    "deliver",
    "draft_mailing",
    "due_state",
    "find_approval_status",
    "find_duplicate",
    "find_lost_mailings",
    "find_mailing",
    "is_idle",
    "list_due_states",
    "load_progress",
    "log_access",
    "lost_mailing_key",
    "plan_issue",
    "recipient_of",
    "require_approval",
    "run_in_threads",
    "send_test",
    "withdraw_approvals",
]
