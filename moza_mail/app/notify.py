"""Mail the operator when a person must act, once for each cause.

The exit code reports the same causes. So no report is lost if this mail fails, for example because the relay is unavailable.
"""

import asyncio
import re
from collections.abc import Sequence
from contextlib import suppress
from hashlib import sha256

from moza_mail import compose, sending
from moza_mail.app.clock import now
from moza_mail.app.login_backoff import open_relay_for_cron
from moza_mail.errors import MozaMailError
from moza_mail.model.address import Address, mask_addresses
from moza_mail.model.timestamps import localize_times
from moza_mail.project import Project
from moza_mail.store import Store
from moza_mail.transport import Transport

SUBJECT = "moza-mail needs a person: {name}"
MOST_SECONDS = 60
NUMBER = re.compile(r"\d+")


def describe_cause(error: MozaMailError) -> str:
    """Return an error and its hint as the text of a notice."""
    return f"{error.message}\n  {error.hint}" if error.hint else error.message


async def notify_operator(project: Project, store: Store, causes: Sequence[str]) -> None:
    """Mail the operator about each cause that was not mailed before.

    The setting `notify` has the operator's address. Causes that differ only in their numbers count as one.
    """
    if not project.config.notify:
        return
    with suppress(MozaMailError, OSError, TimeoutError):
        fresh = [
            cause for cause in causes if await store.notices.report_once(make_cause_key(cause), now=now())
        ]
        if fresh:
            async with asyncio.timeout(MOST_SECONDS), open_relay_for_cron(project, store) as transport:
                await mail_causes(project, transport, fresh)


async def forget_causes(store: Store, causes: Sequence[str]) -> None:
    """Forget causes that have ended, so that they are mailed if they occur again."""
    for cause in causes:
        await store.notices.forget(make_cause_key(cause))


def make_cause_key(cause: str) -> str:
    """Return the deduplication key of a cause."""
    return f"mailed {sha256(NUMBER.sub('', cause).encode()).hexdigest()[:32]}"


async def mail_causes(project: Project, transport: Transport, causes: Sequence[str]) -> None:
    """Mail the given causes in one message to the address in the setting `notify`."""
    operator = Address.parse(project.config.notify)
    lists = [*project.read_lists().values()]
    # Without a usable list, the operator is the sender too: this may be the very problem to report.
    sender, name = (lists[0].sender, lists[0].title) if lists else (operator, project.root.name)
    moment = now()
    text = "\n\n".join(localize_times(mask_addresses(cause), project.config.zone) for cause in causes)
    links = compose.SignedLinks(secret=project.read_secret())
    message_id = links.make_message_id(f"notice/{moment.isoformat()}", 0, sender.domain)
    notice = compose.compose_notice(
        sender,
        operator,
        subject=SUBJECT.format(name=name),
        text=f"{text}\n\nIn {project.root}: moza-mail status, moza-mail doctor\n",
        sent_at=moment.astimezone(project.config.zone),
        message_id=message_id,
    )
    await sending.send_one(transport, *notice)
