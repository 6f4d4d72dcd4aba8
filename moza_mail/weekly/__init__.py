"""Weekly: the rhythm of a newsletter. The next issue from the last one, and its approval; what is due has a door of its own."""

from moza_mail.weekly.approval import Standing, Verdict, approve, require, verdict, withdraw
from moza_mail.weekly.following import Following, Terms, file_stem, following, next_date

__all__ = [
    "Following",
    "Standing",
    "Terms",
    "Verdict",
    "approve",
    "file_stem",
    "following",
    "next_date",
    "require",
    "verdict",
    "withdraw",
]
