"""Smtp: several connections to one relay, each used for many messages."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterable

from moza_mail.errors import AuthenticationRefused, MozaMailError, RelayUnreachable, TransportError
from moza_mail.i18n import gettext as _
from moza_mail.model.mailing import SENDER_REFUSED, DeliveryState, Outcome
from moza_mail.model.message_size import TOO_LARGE, message_too_large, refuses_size
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
        # One at a time: with a wrong password, four at once would be four wrong passwords.
        self._connect_lock = asyncio.Lock()

    @property
    def name(self) -> str:
        """The relay as reports show it: a URL without a password."""
        return str(self._relay)

    def send(
        self,
        submissions: AsyncIterable[Submission],
        record_intents: RecordIntents,
        stop: asyncio.Event | None = None,
    ) -> AsyncGenerator[Outcomes]:
        """See Transport.send.

        A connection that fails is made anew, with a short back-off; one that fails too often in a row ends, and the
        others go on. A relay that cannot be reached at the start, refuses the login, cannot be trusted or does not
        take our sender stops all.
        """
        return dispatch(submissions, record_intents, [self._run_worker] * self._limits.connections, stop)

    async def close(self) -> None:
        """See Transport.close."""
        idle, self._idle = self._idle, []
        await asyncio.gather(*(session.quit() for session in idle))

    async def _run_worker(self, feed: SubmissionQueue) -> TransportError | None:
        """Work with one connection after another, until nothing is left or too many have failed in a row."""
        lane = _SmtpWorker(feed, self.name)
        while not feed.is_finished:
            try:
                session = await self._open(feed)
            except RelayUnreachable as error:
                if not self._has_connected:
                    raise
                lane.count_failure(error)
            else:
                if session is None:
                    break
                await self._use(session, lane)
            if lane.failures_in_a_row > len(self._limits.backoff):
                return lane.error
            if lane.failures_in_a_row:
                await feed.pause(self._limits.backoff[lane.failures_in_a_row - 1])
        return None

    async def _open(self, feed: SubmissionQueue) -> SmtpSession | None:
        """A session that waits idle, or a new one; None when nothing was left to do in the meantime."""
        await feed.wait_until_ready()
        async with self._connect_lock:
            while self._idle:
                session = self._idle.pop()
                if session.is_usable:
                    return session
            if feed.is_finished:
                return None
            session = await self._connector.connect()
            self._has_connected = True
            return session

    async def _use(self, session: SmtpSession, lane: "_SmtpWorker") -> None:
        """Send over one session until it is full, lost, or nothing is left."""
        lane.session = session
        lane.queue.start()
        await session.send_from(lane)
        if session.is_usable:
            self._idle.append(session)
        elif not session.close_reason:
            await session.quit()
        elif not session.finished_count:
            lane.count_dropped_connection(session.close_reason)


class _SmtpWorker:
    """A lane's desk: what its session is given to do and what came of it, and the failures in a row."""

    def __init__(self, feed: SubmissionQueue, relay: str) -> None:
        self.queue = feed
        self.session: SmtpSession | None = None
        self.failures_in_a_row = 0
        self.error: TransportError | None = None
        self.take_ready = feed.take_ready
        self.put_back = feed.put_back
        self._relay = relay

    @property
    def is_finished(self) -> bool:
        """Whether nothing more will come."""
        return self.queue.is_finished

    def wake_when_ready(self) -> None:
        """Have the session woken when a submission is ready or none will come."""
        if self.session is not None:
            self.queue.wake_when_ready(self.session.wake)

    def record_outcome(self, submission: Submission, outcome: Outcome) -> None:
        """Report an outcome, and heed what it says about the relay beside what it says about the recipient."""
        self.queue.report(submission, outcome)
        if outcome.state is DeliveryState.ACCEPTED:
            self.failures_in_a_row = 0
            return
        if outcome.detail == SENDER_REFUSED:
            self.queue.fail(_make_sender_refused_error(outcome, self._relay))
        if outcome.detail.startswith(TOO_LARGE):
            self.queue.fail(message_too_large(self._relay, outcome.detail.removeprefix(f"{TOO_LARGE}: ")))
            return
        closing = outcome.reply is not None and outcome.reply.code == 421
        if closing or outcome.state in {DeliveryState.PENDING, DeliveryState.UNCERTAIN}:
            self.count_dropped_connection(str(outcome.reply or outcome.detail))
        else:
            self.failures_in_a_row = 0

    def count_dropped_connection(self, reason: str) -> None:
        """Count a connection that the relay did not keep."""
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
        """Count a failure; a success in between begins the count anew."""
        self.failures_in_a_row += 1
        self.error = error


def _make_sender_refused_error(outcome: Outcome, relay: str) -> MozaMailError:
    """No recipient is to blame for a refused MAIL, and every further message would meet the same."""
    if outcome.reply and refuses_size(outcome.reply):
        return message_too_large(relay, str(outcome.reply))
    if outcome.reply and outcome.reply.code == 530:
        return AuthenticationRefused(
            _("the relay {relay} requires a login: {reply}", relay=relay, reply=str(outcome.reply)),
            relay=relay,
            hint=_(
                "Write the user name in `relay` (smtp+starttls://user@...) and set MOZA_MAIL_SMTP_PASSWORD."
            ),
        )
    return TransportError(
        _(
            "the relay {relay} refuses mail from the list's sender: {reply}",
            relay=relay,
            reply=str(outcome.reply),
        ),
        relay=relay,
        hint=_("Check the list's sender address with the relay's operator, then run the same command again."),
    )
