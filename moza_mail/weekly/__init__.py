"""Weekly: the rhythm of a newsletter. The next issue from the last one."""

from moza_mail.weekly.following import Following, Terms, file_stem, following, next_date

__all__ = ["Following", "Terms", "file_stem", "following", "next_date"]
