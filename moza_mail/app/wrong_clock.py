"""Refuse to send with a wrong clock."""

from datetime import timedelta

from moza_mail.app.clock import now
from moza_mail.errors import MailingError
from moza_mail.i18n import gettext as _
from moza_mail.store import Store

# The clocks of two machines with one store may differ by this much.
MAX_CLOCK_DIFFERENCE = timedelta(minutes=10)


async def require_right_clock(store: Store) -> None:
    """Raise MailingError if the clock is behind the newest entry of the audit log.

    With such a clock, the Date of each message and each time of a retry would be wrong.
    """
    last, current = await store.audit_log.find_last_time(), now()
    if last is None or last <= current + MAX_CLOCK_DIFFERENCE:
        return
    raise MailingError(
        _(
            "the clock of this machine is wrong: it is {now} UTC here, and the store was changed at {last} UTC",
            now=f"{current:%Y-%m-%d %H:%M}",
            last=f"{last:%Y-%m-%d %H:%M}",
        ),
        hint=_("Set the clock, for example with: timedatectl set-ntp true. Then run the same command again."),
    )
