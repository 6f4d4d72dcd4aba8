"""Do not repeat a login that a server refused, until the settings change.

Cron would otherwise try a wrong password 1,440 times a day, and many servers then lock the account. A command that a person
types always tries the login.
"""

import asyncio
import hmac
from collections.abc import AsyncGenerator, AsyncIterable
from contextlib import asynccontextmanager

from moza_mail.app.clock import now
from moza_mail.app.open_project import mailbox_access, open_transport, relay_access
from moza_mail.errors import AuthenticationRefused
from moza_mail.i18n import gettext as _
from moza_mail.model.address import Address
from moza_mail.project import Project
from moza_mail.store import Store
from moza_mail.transport import Outcomes, RecordIntents, Submission, Transport

RELAY, MAILBOX = "relay", "bounce_mailbox"
NO_OUTCOMES: tuple[Outcomes, ...] = ()


@asynccontextmanager
async def open_relay_for_cron(project: Project, store: Store) -> AsyncGenerator[Transport]:
    """Open the relay.

    If the relay refused the login before and the settings are unchanged, yield a RefusedLogin instead.
    """
    if await was_refused(store, project, RELAY):
        yield RefusedLogin(project.config.relay)
        return
    async with open_transport(project) as transport:
        try:
            yield transport
        except AuthenticationRefused:
            await remember_refusal(store, project, RELAY)
            raise


async def was_refused(store: Store, project: Project, purpose: str) -> bool:
    """Return True if the server refused the login with the present settings.

    purpose: RELAY or MAILBOX.
    """
    return await store.notices.was_reported(_make_key(project, purpose))


async def remember_refusal(store: Store, project: Project, purpose: str) -> bool:
    """Record that the server refused the login; return False if that was recorded before."""
    return await store.notices.report_once(_make_key(project, purpose), now=now())


async def forget_refusal(store: Store, project: Project, purpose: str) -> None:
    """Record that the server accepts the login."""
    await store.notices.forget(_make_key(project, purpose))


def _make_key(project: Project, purpose: str) -> str:
    """Return a key that changes with the settings of the login.

    The key also depends on the project's secret. So nobody without the secret can use the key to test guessed passwords.
    """
    is_relay = purpose == RELAY
    access = (relay_access if is_relay else mailbox_access)(project)
    url = project.config.relay if is_relay else project.config.bounce_mailbox
    client = project.read_oauth_client(purpose)
    tokens = project.token_file.read_bytes() if client and project.token_file.is_file() else b""
    settings = b"\0".join((url.encode(), access.password.encode(), repr(client).encode(), tokens))
    return f"login refused {purpose} {hmac.digest(project.read_secret(), settings, 'sha256').hex()[:32]}"


class RefusedLogin:
    """A transport to a relay that refused the login before.

    It makes no connection and refuses every message.
    """

    def __init__(self, relay: str) -> None:
        self.name = relay

    async def send(
        self,
        submissions: AsyncIterable[Submission],
        record_intents: RecordIntents,  # noqa: ARG002  (no message is sent)
        stop: asyncio.Event | None = None,  # noqa: ARG002
    ) -> AsyncGenerator[Outcomes]:
        """Raise AuthenticationRefused if there is a message to send."""
        async for _submission in submissions:
            raise self._make_error()
        for outcomes in NO_OUTCOMES:
            yield outcomes

    async def check_sender(self, sender: Address) -> None:  # noqa: ARG002  (no connection is made)
        """Raise AuthenticationRefused."""
        raise self._make_error()

    async def close(self) -> None:
        """Do nothing: there is no connection."""

    def _make_error(self) -> AuthenticationRefused:
        return AuthenticationRefused(
            _(
                "the relay {relay} refused the login before, and the settings have not changed since",
                relay=self.name,
            ),
            relay=self.name,
            hint=_(
                "Correct the user name, the password or the OAuth 2 settings; the next run uses them. If the error was at the relay and is solved, send by hand once: moza-mail send ISSUE"
            ),
        )
