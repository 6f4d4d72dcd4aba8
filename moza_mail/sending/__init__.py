"""Send a mailing: prepare it, deliver it in batches, and record what became of each message."""

from moza_mail.sending.approval import Standing, Verdict, approve, require, verdict, withdraw
from moza_mail.sending.audit import handed_out
from moza_mail.sending.compose_ahead import AHEAD, RUN, in_threads, recipient
from moza_mail.sending.deliver import (
    Progress,
    Run,
    deliver,
    draft_mailing,
    find,
    prepare,
    progress,
    sent_before,
    test,
)
from moza_mail.sending.dry_run import Rehearsal, rehearse
from moza_mail.sending.schedule import Planned, Stand, is_quiet, lost, lost_notice, planned, stand, standing
from moza_mail.sending.throttle import OVERALL, Pace

__all__ = [
    "AHEAD",
    "OVERALL",
    "RUN",
    "Pace",
    "Planned",
    "Progress",
    "Rehearsal",
    "Run",
    "Stand",
    "Standing",
    "Verdict",
    "approve",
    "deliver",
    "draft_mailing",
    "find",
    "handed_out",
    "in_threads",
    "is_quiet",
    "lost",
    "lost_notice",
    "planned",
    "prepare",
    "progress",
    "recipient",
    "rehearse",
    "require",
    "sent_before",
    "stand",
    "standing",
    "test",
    "verdict",
    "withdraw",
]
