"""Weekly: the rhythm of a newsletter. The next issue from the last one, its approval and its timetable; sending what is due has a door of its own."""

from moza_mail.weekly.approval import Standing, Verdict, approve, require, verdict, withdraw
from moza_mail.weekly.following import Following, Terms, file_stem, following, next_date
from moza_mail.weekly.timetable import Planned, Stand, is_quiet, lost, lost_notice, planned, stand, standing

__all__ = [
    "Following",
    "Planned",
    "Stand",
    "Standing",
    "Terms",
    "Verdict",
    "approve",
    "file_stem",
    "following",
    "is_quiet",
    "lost",
    "lost_notice",
    "next_date",
    "planned",
    "require",
    "stand",
    "standing",
    "verdict",
    "withdraw",
]
