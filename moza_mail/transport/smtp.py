"""Smtp: several connections to one relay, each used for many messages."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterable
from dataclasses import dataclass, field

from moza_mail.errors import AuthenticationRefused, CannotConnect, TransportError
from moza_mail.model.mailing import SENDER_REFUSED, DeliveryState, Outcome
from moza_mail.transport.connect import Door
from moza_mail.transport.protocol import Intend, Submission
from moza_mail.transport.pump import Feed, pump
from moza_mail.transport.session import IdleClosed, Session
from moza_mail.transport.url import Relay
from moza_mail.transport.wire import Timeouts


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """How far a relay is trusted.

    After `messages` a connection is closed and a new one made, because relays count them. `backoff` is how many seconds
    one waits after each failure in a row; a failure beyond the last ends the connection's work.
    """

    messages: int = 500
    backoff: tuple[float, ...] = (0.5, 2.0, 5.0)
    timeouts: Timeouts = field(default_factory=Timeouts)


class Smtp:
    """A Transport to an SMTP relay.

    Connections stay open from one `send` to the next, until `close`.
    """

    def __init__(
        self,
        relay: Relay,
        *,
        password: str = "",
        connections: int = 4,
        cafile: str = "",
        limits: Limits | None = None,
    ) -> None:
        self._relay = relay
        self._limits = limits or Limits()
        self._connections = connections
        self._door = Door(relay, password=password, cafile=cafile, timeouts=self._limits.timeouts)
        self._idle: list[Session] = []
        self._reached = False
        # One at a time: with a wrong password, four at once would be four wrong passwords.
        self._opening = asyncio.Lock()

    @property
    def name(self) -> str:
        """The relay as reports show it: a URL without a password."""
        return str(self._relay)

    def send(
        self, submissions: AsyncIterable[Submission], intend: Intend
    ) -> AsyncGenerator[tuple[int, Outcome]]:
        """See Transport.send.

        A connection that fails is made anew, with a short back-off; one that fails too often in a row ends, and the
        others go on. A relay that cannot be reached at the start, refuses the login, cannot be trusted or does not
        take our sender stops all.
        """
        return pump(submissions, intend, [self._lane] * self._connections)

    async def close(self) -> None:
        """See Transport.close."""
        idle, self._idle = self._idle, []
        await asyncio.gather(*(session.quit() for session in idle))

    async def _lane(self, feed: Feed) -> TransportError | None:
        """Work with one connection after another, until nothing is left or too many have failed in a row."""
        lane = _Lane(feed)
        while not lane.done:
            try:
                session = await self._open(lane)
            except CannotConnect as error:
                await lane.put_down(error.message)
                if not self._reached:
                    raise
                lane.failed(error)
            except TransportError as error:
                await lane.put_down(error.message)
                raise
            else:
                if session is None:
                    break
                await self._use(session, lane)
            if lane.strikes > len(self._limits.backoff):
                return lane.error
            if lane.strikes:
                await feed.pause(self._limits.backoff[lane.strikes - 1])
        await lane.put_down("not tried, because the sending stopped")
        return None

    async def _open(self, lane: "_Lane") -> Session | None:
        """A session that waits idle, or a new one; None when nothing was left to do in the meantime."""
        async with self._opening:
            while self._idle:
                session = self._idle.pop()
                if session.usable:
                    return session
            if lane.done:
                return None
            session = await self._door.open()
            self._reached = True
            return session

    async def _use(self, session: Session, lane: "_Lane") -> None:
        """Send over one session until it is full, lost, or nothing is left."""
        try:
            while session.usable and session.served < self._limits.messages:
                if not await lane.step(session, self.name):
                    self._idle.append(session)
                    return
            await session.quit()
        except IdleClosed:
            session.drop("closed by the relay between two messages")
        except BaseException:
            session.drop("given up")
            raise


class _Lane:
    """What one lane carries from one connection to the next: a submission in hand, and its failures in a row."""

    def __init__(self, feed: Feed) -> None:
        self.held: Submission | None = None
        self.strikes = 0
        self.error: TransportError | None = None
        self._feed = feed

    @property
    def done(self) -> bool:
        """Whether no connection is needed any more."""
        return self._feed.failure is not None or (self._feed.over and self.held is None)

    def failed(self, error: TransportError) -> None:
        """Count a failure; a success in between begins the count anew."""
        self.strikes += 1
        self.error = error

    async def put_down(self, detail: str) -> None:
        """Give back what is held: nothing of it was sent."""
        if self.held is not None:
            held, self.held = self.held, None
            await self._feed.give_back(held, detail)

    async def step(self, session: Session, relay: str) -> bool:
        """One transaction; False when nothing is left. Raises IdleClosed with the submission still held."""
        self.held = self.held or await self._feed.take()
        if self.held is None:
            return False
        try:
            outcome = await session.transact(self.held, self._feed.intend)
        except IdleClosed:
            raise
        except Exception:
            outcome = session.cut_off("an error of our own; see the log")
            await self._settled(outcome)
            raise
        await self._settled(outcome)
        self._judge(outcome, relay)
        return True

    async def _settled(self, outcome: Outcome) -> None:
        if self.held is not None:
            held, self.held = self.held, None
            await self._feed.report(held, outcome)

    def _judge(self, outcome: Outcome, relay: str) -> None:
        """Tell what an outcome says about the relay, beside what it says about the recipient."""
        if outcome.detail == SENDER_REFUSED:
            raise _sender_refused(outcome, relay)
        closing = outcome.reply is not None and outcome.reply.code == 421
        if closing or outcome.state in {DeliveryState.PENDING, DeliveryState.UNCERTAIN}:
            why = outcome.reply or outcome.detail
            self.failed(TransportError(f"The relay {relay} keeps breaking off: {why}.", relay=relay))
        else:
            self.strikes = 0


def _sender_refused(outcome: Outcome, relay: str) -> TransportError:
    """No recipient is to blame for a refused MAIL, and every further message would meet the same."""
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
