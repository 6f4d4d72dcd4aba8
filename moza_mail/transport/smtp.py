"""Smtp: several connections to one relay, each used for many messages."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterable

from moza_mail.errors import AuthenticationRefused, CannotConnect, MozaMailError, TransportError
from moza_mail.model.mailing import SENDER_REFUSED, DeliveryState, Outcome
from moza_mail.model.message_size import TOO_LARGE, message_too_large, refuses_size
from moza_mail.transport.connect import Door
from moza_mail.transport.dispatcher import Feed, pump
from moza_mail.transport.limits import Limits
from moza_mail.transport.protocol import Intend, Outcomes, Submission
from moza_mail.transport.session import Session
from moza_mail.transport.url import Relay


class Smtp:
    """A Transport to an SMTP relay.

    Connections stay open from one `send` to the next, until `close`.
    """

    def __init__(
        self, relay: Relay, *, password: str = "", cafile: str = "", limits: Limits | None = None
    ) -> None:
        self._relay = relay
        self._limits = limits or Limits()
        self._door = Door(relay, password=password, cafile=cafile, limits=self._limits)
        self._idle: list[Session] = []
        self._reached = False
        # One at a time: with a wrong password, four at once would be four wrong passwords.
        self._opening = asyncio.Lock()

    @property
    def name(self) -> str:
        """The relay as reports show it: a URL without a password."""
        return str(self._relay)

    def send(
        self, submissions: AsyncIterable[Submission], intend: Intend, stop: asyncio.Event | None = None
    ) -> AsyncGenerator[Outcomes]:
        """See Transport.send.

        A connection that fails is made anew, with a short back-off; one that fails too often in a row ends, and the
        others go on. A relay that cannot be reached at the start, refuses the login, cannot be trusted or does not
        take our sender stops all.
        """
        return pump(submissions, intend, [self._lane] * self._limits.connections, stop)

    async def close(self) -> None:
        """See Transport.close."""
        idle, self._idle = self._idle, []
        await asyncio.gather(*(session.quit() for session in idle))

    async def _lane(self, feed: Feed) -> TransportError | None:
        """Work with one connection after another, until nothing is left or too many have failed in a row."""
        lane = _Lane(feed, self.name)
        while not feed.over:
            try:
                session = await self._open(feed)
            except CannotConnect as error:
                if not self._reached:
                    raise
                lane.failed(error)
            else:
                if session is None:
                    break
                await self._use(session, lane)
            if lane.strikes > len(self._limits.backoff):
                return lane.error
            if lane.strikes:
                await feed.pause(self._limits.backoff[lane.strikes - 1])
        return None

    async def _open(self, feed: Feed) -> Session | None:
        """A session that waits idle, or a new one; None when nothing was left to do in the meantime."""
        await feed.ready()
        async with self._opening:
            while self._idle:
                session = self._idle.pop()
                if session.usable:
                    return session
            if feed.over:
                return None
            session = await self._door.open()
            self._reached = True
            return session

    async def _use(self, session: Session, lane: "_Lane") -> None:
        """Send over one session until it is full, lost, or nothing is left."""
        lane.session = session
        lane.feed.start()
        await session.work(lane)
        if session.usable:
            self._idle.append(session)
        elif not session.broken:
            await session.quit()
        elif not session.served:
            lane.broke_off(session.broken)


class _Lane:
    """A lane's desk: what its session is given to do and what came of it, and the failures in a row."""

    def __init__(self, feed: Feed, relay: str) -> None:
        self.feed = feed
        self.session: Session | None = None
        self.strikes = 0
        self.error: TransportError | None = None
        self.next = feed.next
        self.put_back = feed.put_back
        self._relay = relay

    @property
    def over(self) -> bool:
        """Whether nothing more will come."""
        return self.feed.over

    def wait(self) -> None:
        """Have the session woken when a submission is ready or none will come."""
        if self.session is not None:
            self.feed.wait(self.session.wake)

    def settle(self, submission: Submission, outcome: Outcome) -> None:
        """Report an outcome, and heed what it says about the relay beside what it says about the recipient."""
        self.feed.report(submission, outcome)
        if outcome.state is DeliveryState.ACCEPTED:
            self.strikes = 0
            return
        if outcome.detail == SENDER_REFUSED:
            self.feed.fail(_sender_refused(outcome, self._relay))
        if outcome.detail.startswith(TOO_LARGE):
            self.feed.fail(message_too_large(self._relay, outcome.detail.removeprefix(f"{TOO_LARGE}: ")))
            return
        closing = outcome.reply is not None and outcome.reply.code == 421
        if closing or outcome.state in {DeliveryState.PENDING, DeliveryState.UNCERTAIN}:
            self.broke_off(str(outcome.reply or outcome.detail))
        else:
            self.strikes = 0

    def broke_off(self, why: str) -> None:
        """Count a connection that the relay did not keep."""
        self.failed(TransportError(f"The relay {self._relay} keeps breaking off: {why}.", relay=self._relay))

    def failed(self, error: TransportError) -> None:
        """Count a failure; a success in between begins the count anew."""
        self.strikes += 1
        self.error = error


def _sender_refused(outcome: Outcome, relay: str) -> MozaMailError:
    """No recipient is to blame for a refused MAIL, and every further message would meet the same."""
    if outcome.reply and refuses_size(outcome.reply):
        return message_too_large(relay, str(outcome.reply))
    if outcome.reply and outcome.reply.code == 530:
        return AuthenticationRefused(
            f"The relay {relay} wants a login: {outcome.reply}.",
            relay=relay,
            hint="Put the user name in `relay` (smtp+starttls://user@...) and set MOZA_MAIL_SMTP_PASSWORD.",
        )
    return TransportError(
        f"The relay {relay} takes no mail from our sender: {outcome.reply}.",
        relay=relay,
        hint="Check the list's sender address with who keeps the relay; then the same command continues.",
    )
