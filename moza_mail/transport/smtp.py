"""A transport to an SMTP relay over several connections, each used for many messages."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterable

from moza_mail.errors import (
    AuthenticationRefused,
    MozaMailError,
    RelayUnreachable,
    SenderRefused,
    TransportError,
)
from moza_mail.i18n import gettext as _
from moza_mail.model.address import Address
from moza_mail.model.mailing import DeliveryState
from moza_mail.model.message_size import TOO_LARGE, message_too_large, refuses_size
from moza_mail.model.outcome import SENDER_REFUSED, Outcome, is_held
from moza_mail.model.reply import Reply
from moza_mail.model.server_url import ServerAccess, ServerUrl
from moza_mail.transport.connect import SmtpConnector
from moza_mail.transport.dispatcher import SubmissionQueue, dispatch
from moza_mail.transport.limits import Limits
from moza_mail.transport.protocol import Outcomes, RecordIntents, Submission
from moza_mail.transport.session import SmtpSession


class SmtpTransport:
    """A Transport to an SMTP relay.

    Connections stay open from one `send` to the next, until `close`.
    """

    def __init__(
        self, relay: ServerUrl, *, access: ServerAccess | None = None, limits: Limits | None = None
    ) -> None:
        self._relay = relay
        self._limits = limits or Limits()
        self._connector = SmtpConnector(relay, access=access or ServerAccess(), limits=self._limits)
        self._idle: list[SmtpSession] = []
        self._has_connected = False
        # Connections are opened one at a time. With a wrong password, four at once would cause four failed logins.
        self._connect_lock = asyncio.Lock()

    @property
    def name(self) -> str:
        """Return the relay as reports show it: a URL without a password."""
        return str(self._relay)

    def send(
        self,
        submissions: AsyncIterable[Submission],
        record_intents: RecordIntents,
        stop: asyncio.Event | None = None,
    ) -> AsyncGenerator[Outcomes]:
        """Send the submissions; see Transport.send.

        A connection that fails is replaced after a short wait. If the connections of a worker fail too often in a row, that
        worker ends and the others continue. All workers stop if the relay cannot be reached at the start, refuses the login or
        the sender, or has an invalid certificate.
        """
        return dispatch(submissions, record_intents, [self._run_worker] * self._limits.connections, stop)

    async def check_sender(self, sender: Address) -> None:
        """Try MAIL FROM and RSET on the first connection; see Transport.check_sender.

        The connection stays open. Only a permanent refusal raises an error. After any other reply, `send` may still succeed.
        """
        session, replies = await self._connector.try_envelope(sender)
        self._has_connected = True
        if session is not None:
            self._idle.append(session)
        if replies.mail is not None and replies.mail.code >= 500 and not refuses_size(replies.mail):
            raise _make_sender_refused_error(replies.mail, self.name)

    async def close(self) -> None:
        """Close the idle connections; see Transport.close."""
        idle, self._idle = self._idle, []
        await asyncio.gather(*(session.quit() for session in idle))

    async def _run_worker(self, queue: SubmissionQueue) -> TransportError | None:
        """Send over one connection after another, until nothing is left or too many fail in a row."""
        worker = _SmtpWorker(queue, self.name)
        while not queue.is_finished:
            try:
                session = await self._open_session(queue)
            except RelayUnreachable as error:
                if not self._has_connected:
                    raise
                worker.count_failure(error)
            else:
                if session is None:
                    break
                await self._send_over(session, worker)
            if worker.consecutive_failures > len(self._limits.backoff):
                return worker.error
            if worker.consecutive_failures:
                await queue.pause(self._limits.backoff[worker.consecutive_failures - 1])
        return None

    async def _open_session(self, queue: SubmissionQueue) -> SmtpSession | None:
        """Return an idle or new session; None if there is nothing left to send."""
        await queue.wait_until_ready()
        async with self._connect_lock:
            while self._idle:
                session = self._idle.pop()
                if session.is_usable:
                    return session
            if queue.is_finished:
                return None
            session = await self._connector.connect()
            self._has_connected = True
            return session

    async def _send_over(self, session: SmtpSession, worker: "_SmtpWorker") -> None:
        """Send over one session until it has sent its maximum or is closed, or nothing is left."""
        worker.session = session
        worker.queue.start()
        await session.send_from(worker)
        if session.is_usable:
            self._idle.append(session)
        elif not session.close_reason:
            await session.quit()
        elif not session.finished_count:
            worker.count_dropped_connection(session.close_reason)


class _SmtpWorker:
    """The WorkSource for the sessions of one worker. It counts consecutive failures."""

    def __init__(self, queue: SubmissionQueue, relay: str) -> None:
        self.queue = queue
        self.session: SmtpSession | None = None
        self.consecutive_failures = 0
        self.error: TransportError | None = None
        self.take_ready = queue.take_ready
        self.put_back = queue.put_back
        self._relay = relay

    @property
    def is_finished(self) -> bool:
        """Return True if there will be no more submissions."""
        return self.queue.is_finished

    def wake_when_ready(self) -> None:
        """Wake the session when a submission is ready or there will be no more."""
        if self.session is not None:
            self.queue.wake_when_ready(self.session.wake)

    def record_outcome(self, submission: Submission, outcome: Outcome) -> None:
        """Report an outcome. Stop all workers if the cause is on our side, not the recipient's."""
        self.queue.report(submission, outcome)
        if outcome.state is DeliveryState.ACCEPTED:
            self.consecutive_failures = 0
            return
        if outcome.detail == SENDER_REFUSED:
            self.queue.fail(_make_sender_refused_error(outcome.reply, self._relay))
        if outcome.detail.startswith(TOO_LARGE):
            self.queue.fail(message_too_large(self._relay, outcome.detail.removeprefix(f"{TOO_LARGE}: ")))
            return
        closing = outcome.reply is not None and outcome.reply.code == 421
        is_unusable = outcome.state in {DeliveryState.PENDING, DeliveryState.UNCERTAIN} and not is_held(
            outcome
        )
        if closing or is_unusable:
            self.count_dropped_connection(str(outcome.reply or outcome.detail))
        else:
            self.consecutive_failures = 0

    def count_dropped_connection(self, reason: str) -> None:
        """Count a connection that the relay closed, as a failure."""
        self.count_failure(
            TransportError(
                _(
                    "the relay {relay} keeps dropping the connection: {reason}",
                    relay=self._relay,
                    reason=reason,
                ),
                relay=self._relay,
            )
        )

    def count_failure(self, error: TransportError) -> None:
        """Count a failure. A success resets the count."""
        self.consecutive_failures += 1
        self.error = error


def _make_sender_refused_error(reply: Reply | None, relay: str) -> MozaMailError:
    """Return the error for a refused MAIL.

    Such a refusal is not about the recipient and would hit every further message.
    """
    if reply and refuses_size(reply):
        return message_too_large(relay, str(reply))
    if reply and reply.code == 530:
        return AuthenticationRefused(
            _("the relay {relay} requires a login: {reply}", relay=relay, reply=str(reply)),
            relay=relay,
            hint=_(
                "Write the user name in `relay` (smtp+starttls://user@...) and set MOZA_MAIL_SMTP_PASSWORD."
            ),
        )
    return SenderRefused(
        _("the relay {relay} refuses mail from the list's sender: {reply}", relay=relay, reply=str(reply)),
        relay=relay,
        hint=_("Check the list's sender address with the relay's operator, then run the same command again."),
    )
