"""A session: one connection's transactions, one after another, each with the phase at which it ended (RFC 5321 3.3)."""

import re
from collections.abc import Awaitable, Callable, Mapping

from moza_mail.model.mailing import DeliveryState, Outcome, Phase, classify
from moza_mail.transport.protocol import Submission
from moza_mail.transport.wire import LineBroken, Timeouts, Wire

# Address keeps anything else out; a command line is where it would do harm, so it is looked at once more.
PATH = re.compile(r"[!-;=?-~]+")


class IdleClosed(Exception):
    """The relay had let go of a connection between two messages; of the next one nothing was sent."""


class Session:
    """A connection that is ready for MAIL. `served` counts its transactions; `usable` ends when it must not be reused."""

    def __init__(self, wire: Wire, *, extensions: Mapping[str, str], timeouts: Timeouts) -> None:
        self.served = 0
        self.extensions = extensions
        self._wire = wire
        self._timeouts = timeouts
        self._phase = Phase.MAIL

    @property
    def usable(self) -> bool:
        """Whether another transaction may begin."""
        return not self._wire.broken

    async def transact(self, submission: Submission, intend: Callable[[int], Awaitable[bool]]) -> Outcome:
        """Send one message and conclude what became of it.

        `intend` is awaited between the 354 and the first byte of the body; when it gives False the body is not sent.
        Raises IdleClosed, and nothing else that belongs to the relay; after any error the session is to be dropped.
        """
        self._phase = Phase.MAIL
        try:
            return await self._transaction(submission, intend)
        except LineBroken as broken:
            if self._phase is Phase.MAIL and self.served:
                raise IdleClosed(str(broken)) from None
            return self.cut_off(str(broken))
        finally:
            self.served += 1

    def cut_off(self, detail: str) -> Outcome:
        """What to conclude when no reply can come any more: before the body nothing was sent, after it nobody knows."""
        body = self._phase is Phase.BODY
        state = DeliveryState.UNCERTAIN if body else DeliveryState.PENDING
        return Outcome(state=state, phase=self._phase, detail=detail)

    def drop(self, reason: str) -> None:
        """Close at once."""
        self._wire.drop(reason)

    async def quit(self) -> None:
        """Close with a goodbye."""
        await self._wire.quit(self._timeouts.quit)

    async def _transaction(self, submission: Submission, intend: Callable[[int], Awaitable[bool]]) -> Outcome:
        envelope = submission.envelope
        if not all(PATH.fullmatch(str(path)) for path in (envelope.sender, envelope.recipient)):
            return Outcome(
                state=DeliveryState.REFUSED,
                phase=Phase.MAIL,
                detail="an address that cannot stand in an envelope",
            )
        size = f" SIZE={len(submission.message.content)}" if "size" in self.extensions else ""
        steps = (
            (Phase.MAIL, f"MAIL FROM:<{envelope.sender}>{size}", self._timeouts.command),
            (Phase.RCPT, f"RCPT TO:<{envelope.recipient}>", self._timeouts.command),
            (Phase.DATA, "DATA", self._timeouts.data),
        )
        for phase, command, seconds in steps:
            self._phase = phase
            reply = await self._wire.ask(command.encode("ascii"), seconds)
            if phase is Phase.MAIL and reply.code == 421 and self.served:
                self.drop(str(reply))
                raise IdleClosed(str(reply))
            # Any 2xx will do (RFC 5321 4.2.1): a 252 to RCPT says that the relay takes it and will try.
            if reply.code != 354 if phase is Phase.DATA else not 200 <= reply.code < 300:
                return await self._concluded(classify(reply, phase))
        if not self._wire.broken and not await intend(submission.key):
            self.drop("the body was not sent")
            return self.cut_off("the ledger could not note that the body was about to leave")
        if self._wire.broken:
            return self._withdrawn()
        self._phase = Phase.BODY
        reply = await self._wire.body(submission.message.content, self._timeouts)
        return await self._concluded(classify(reply, Phase.BODY))

    def _withdrawn(self) -> Outcome:
        """The relay took its 354 back before the body began; a refusal it gave with it stands."""
        if (said := self._wire.unasked) is not None and said.code >= 400:
            return classify(said, Phase.DATA)
        return self.cut_off(self._wire.broken)

    async def _concluded(self, outcome: Outcome) -> Outcome:
        """Leave the connection ready for the next transaction, or drop it; the outcome stands whichever it is."""
        code = outcome.reply.code if outcome.reply else 0
        if code == 421 or outcome.state in {DeliveryState.PENDING, DeliveryState.UNCERTAIN}:
            self.drop(str(outcome.reply))
        elif outcome.phase is not Phase.BODY:
            try:
                reset = await self._wire.ask(b"RSET", self._timeouts.command)
            except LineBroken:
                return outcome
            if reset.code != 250:
                self.drop(str(reset))
        return outcome
