"""Describe the subscribers who are left out of an audience."""

from collections.abc import Mapping

from moza_mail.i18n import gettext as _
from moza_mail.i18n import join_texts
from moza_mail.model.audience import AudienceCount
from moza_mail.model.mailing import SkipReason

EXCLUDED: Mapping[str, str] = {
    "unconfirmed": _("unconfirmed"),
    "unsubscribed": _("unsubscribed"),
    "suppressed": _("suppressed"),
    "not_in_segment": _("not in segment"),
}


def describe_excluded(audience: AudienceCount) -> str:
    """Return the excluded subscribers as text, such as ` (not: 3 unsubscribed)`.

    The text is empty if nobody is excluded.
    """
    fields = ", ".join(
        f"{name} ({count})" if len(audience.missing) > 1 else name for name, count in audience.missing.items()
    )
    excluded = join_texts(
        _("{count} without a value for {fields}", count=count, fields=fields)
        if reason == SkipReason.MISSING_VALUE
        else _("{count} {reason}", count=count, reason=EXCLUDED.get(reason, reason))
        for reason, count in audience.left_out.items()
        if count
    )
    return _(" (not: {excluded})", excluded=excluded) if excluded else ""
