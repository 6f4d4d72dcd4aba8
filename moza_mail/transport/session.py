"""A session: one connection's transactions, each concluded with the phase at which it ended (RFC 5321 3.3).

It is a state machine in the connection's own callbacks, and takes the connection over once greeting, TLS and login are
done. Where the relay offers PIPELINING, the envelope of the next message goes behind the dot of the one before
(RFC 2920 3.1), so that a message costs one round trip; without it the same commands go one by one. Replies are paired by
their place in the line. After anything that could pair one wrongly (a timeout, a cancel, a line nobody asked for) the
connection is dropped for good.
"""

import asyncio
import ssl
from collections import deque
from collections.abc import Mapping, Sequence
from enum import Enum
from typing import Protocol

from moza_mail.model.mailing import DeliveryState, Outcome, Phase, Reply, classify
from moza_mail.transport.commands import Commands
from moza_mail.transport.framing import DOT, Replies, read, wire_form
from moza_mail.transport.limits import Limits
from moza_mail.transport.protocol import Submission

# The transport tells us when it holds more octets than this that have not left, which is more than can ever stand behind
# a body's dot: then the dot has not left either, and the relay cannot have taken the message.
SLACK = 4096
PIECE, INBOX = 65536, 16384


class Ask(Enum):
    """What we wait for a reply to. BODY is the dot; LONE a dot behind nothing, whose reply is nobody's."""

    MAIL = Phase.MAIL
    RCPT = Phase.RCPT
    DATA = Phase.DATA
    BODY = Phase.BODY
    LONE = "lone"
    RSET = "rset"
    QUIT = "quit"


class Desk(Protocol):
    """Where a session gets its work and leaves its outcomes."""

    @property
    def over(self) -> bool:
        """Whether nothing more will come."""

    def next(self) -> Submission | None:
        """A submission that the ledger has noted, or None when none is ready now."""

    def wait(self) -> None:
        """Have the session woken when one is ready or none will come."""

    def put_back(self, submission: Submission) -> None:
        """Nothing was sent of it, and the relay is not to blame."""

    def settle(self, submission: Submission, outcome: Outcome) -> None:
        """Tell what became of a submission."""


class Session(asyncio.BufferedProtocol):
    """A connection that is ready for MAIL.

    `broken` says why it can no longer be used; empty while it can. `served` counts the messages concluded over it.
    """

    def __init__(
        self, transport: asyncio.Transport, *, extensions: Mapping[str, str], limits: Limits
    ) -> None:
        self.broken = ""
        self.served = 0
        self.extensions = extensions
        self._transport = transport
        transport.set_write_buffer_limits(high=SLACK, low=SLACK)
        self._loop = asyncio.get_running_loop()
        self._commands = Commands(extensions, notify=limits.notify)
        self._pipelining = "pipelining" in extensions
        self._messages = limits.messages
        self._block = limits.timeouts.block
        times = limits.timeouts
        self._patience = {
            Ask.MAIL: times.command,
            Ask.RCPT: times.command,
            Ask.RSET: times.command,
            Ask.DATA: times.data,
            Ask.BODY: times.dot,
            Ask.LONE: times.dot,
            Ask.QUIT: times.quit,
        }
        self._desk: Desk | None = None
        self._ended: asyncio.Future[None] | None = None
        # One for all that comes: asyncio would make one of 256 kB for each segment.
        self._inbox = memoryview(bytearray(INBOX))
        self._replies = Replies()
        self._asked: deque[Ask] = deque()
        self._unsaid: deque[tuple[Ask, bytes]] = deque()
        self._begun = 0
        self._turn: Submission | None = None  # its envelope is under way
        self._sent: Submission | None = None  # its body is under way, or gone
        self._body = memoryview(b"")  # what has not been given to the transport yet
        self._full = False
        self._refused: Ask | None = None  # what ended a transaction that has not been reset yet
        self._waits = False
        self._deadline = 0.0
        self._shortest = min(self._block, *self._patience.values())
        self._timer: asyncio.TimerHandle | None = None

    @property
    def tls(self) -> ssl.SSLObject | None:
        """The connection's TLS, None when it has none."""
        found = self._transport.get_extra_info("ssl_object")
        return found if isinstance(found, ssl.SSLObject) else None

    @property
    def usable(self) -> bool:
        """Whether another transaction may begin."""
        return not self.broken and self._begun < self._messages

    async def work(self, desk: Desk) -> None:
        """Send what the desk has until it has no more, the connection has had its share, or it is broken."""
        if self.broken:
            return
        self._desk, self._ended = desk, self._loop.create_future()
        try:
            self._advance()
            await self._ended
        except BaseException:
            self.drop("given up")
            raise
        finally:
            self._desk = self._ended = None

    async def quit(self) -> None:
        """Say goodbye and close, whatever the relay answers."""
        if not self.broken:
            self._ended = self._loop.create_future()
            self._say(Ask.QUIT, b"QUIT\r\n")
            self._watch()
            await self._ended
        self.drop("closed by us")

    def drop(self, reason: str) -> None:
        """Close at once, and conclude what was under way."""
        if self.broken:
            return
        self.broken = reason
        if self._timer is not None:
            self._timer.cancel()
        unsent = self._unsent()
        # Before Python 3.11.3 abort() on a TLS transport that is gone raises AttributeError.
        if not self._transport.is_closing():
            self._transport.abort()
        self._asked, asked = deque(), self._asked
        if (sent := self._sent) is not None:
            self._sent = None
            state = DeliveryState.PENDING if unsent else DeliveryState.UNCERTAIN
            self._settle(sent, Outcome(state=state, phase=Phase.BODY, detail=reason))
        if (turn := self._turn) is not None:
            self._turn = None
            self._unheard(turn, asked)
        self._end()

    def wake(self) -> None:
        """Look again at the desk."""
        self._waits = False
        try:
            self._advance()
        except Exception as error:  # noqa: BLE001 -- raised where the work is waited for
            self._fault(error)

    def get_buffer(self, sizehint: int) -> memoryview:  # noqa: ARG002 -- asyncio's name; replies are short
        """Where the transport is to put what the relay says."""
        return self._inbox

    def buffer_updated(self, nbytes: int) -> None:
        """Hear what the relay says."""
        try:
            self._hear(bytes(self._inbox[:nbytes]))
        except Exception as error:  # noqa: BLE001 -- raised where the work is waited for
            self._fault(error)

    def pause_writing(self) -> None:
        """The relay reads slower than we write."""
        self._full = True

    def resume_writing(self) -> None:
        """The relay has caught up."""
        self._full = False
        try:
            self._write_body()
            self._advance()
            self._watch()
        except Exception as error:  # noqa: BLE001 -- raised where the work is waited for
            self._fault(error)

    def eof_received(self) -> None:
        """The relay has closed its side, and hears no more."""
        self.drop("the relay closed the connection")

    def connection_lost(self, exc: Exception | None) -> None:
        """The connection is gone."""
        self.drop(f"the connection broke: {exc}" if exc else "the relay closed the connection")

    def _fault(self, error: Exception) -> None:
        """An error of our own ends the connection, and is raised where its work is waited for."""
        if self._ended is not None and not self._ended.done():
            self._ended.set_exception(error)
        self.drop("an error of our own")

    def _advance(self) -> None:
        """Begin the next transaction, when there is one and its turn has come."""
        if not self._full and not self._body and (group := self._envelope()):
            self._transport.write(group)
            self._watch()

    def _hear(self, data: bytes) -> None:
        replies = self._replies.cut(data)
        left = len(replies)
        for code, lines in replies:
            if self.broken:
                return
            left -= 1
            self._answered(code, lines, more=left > 0)
        if self._replies.wrong:
            self.drop(self._replies.wrong)
        if self.broken:
            return
        if self._turn is not None and not self._asked and not self._unsaid:
            self.drop("the relay spoke unasked behind its 354")
            return
        if self._unsaid and not self._asked:
            self._say(*self._unsaid.popleft())
        else:
            self._advance()
        if replies:
            self._watch()

    def _answered(self, code: int, lines: Sequence[bytes], *, more: bool) -> None:
        """Take one reply; `more` when another came with it."""
        if not self._asked:
            self._unasked(read(code, lines))
            return
        ask = self._asked.popleft()
        if ask is Ask.BODY:
            self._answered_body(read(code, lines))
        elif ask is Ask.QUIT:
            self.drop("closed by us")
        elif ask is Ask.DATA and code == 354:
            self._invited(more=more or self._replies.partial)
        elif ask is Ask.LONE:
            self._refused = None
            self._heed(code)
        elif ask is Ask.RSET:
            if code != 250:
                self.drop(f"the relay cannot reset: {read(code, lines)}")
        elif ask is Ask.DATA or not 200 <= code < 300:
            # Any 2xx will do (RFC 5321 4.2.1): a 252 to RCPT says that the relay takes it and will try.
            self._answered_no(ask, read(code, lines))

    def _answered_no(self, ask: Ask, reply: Reply) -> None:
        """A refusal; what follows it in its group is no more than an echo, but for a 421."""
        turn = self._turn
        if turn is None:
            self._heed(reply.code)
        elif ask is Ask.MAIL and reply.code == 421 and self.served and self._desk is not None:
            self._turn = None
            self._desk.put_back(turn)
            self.drop(str(reply))
        else:
            self._turn = None
            self._unsaid.clear()
            self._refused = ask
            outcome = classify(reply, Phase(ask.value))
            self._settle(turn, outcome)
            self._heed_outcome(outcome)

    def _answered_body(self, reply: Reply) -> None:
        sent, early = self._sent, self._unsent()
        if sent is None:
            self.drop("the relay answered a body that was not sent")
            return
        if early and reply.code < 400:
            self._settle_sent(
                Outcome(state=DeliveryState.UNCERTAIN, phase=Phase.BODY, reply=reply, detail="too early")
            )
            self.drop(f"the relay answered before the end of the body: {reply}")
            return
        outcome = classify(reply, Phase.BODY)
        self._settle_sent(outcome)
        if early:
            self.drop(f"the relay answered before the end of the body: {reply}")
        else:
            self._heed_outcome(outcome)

    def _invited(self, *, more: bool) -> None:
        """The relay wants the body, unless something came behind its 354 that takes it back."""
        turn = self._turn
        if turn is None and self._refused is Ask.RCPT:
            # RFC 2920 3.1: nobody to mail is left, and DATA was taken all the same.
            self._say(Ask.LONE, DOT)
        elif turn is None:
            self.drop("the relay wants a body after it refused the sender")
        elif not more:
            self._turn, self._sent = None, turn
            self._asked.append(Ask.BODY)
            body = wire_form(turn.message)
            self._begin_body(body, DOT + self._envelope())

    def _begin_body(self, body: bytes, tail: bytes) -> None:
        if len(body) <= PIECE:
            self._transport.writelines((body, tail))
        else:
            self._body = memoryview(body + tail)
            self._write_body()

    def _write_body(self) -> None:
        """Give the transport as much of a large body as it takes."""
        while self._body and not self._full and not self.broken:
            piece, self._body = self._body[:PIECE], self._body[PIECE:]
            self._transport.write(piece)

    def _envelope(self) -> bytes:
        """Begin the next transaction: what to write for it, empty when nothing is to be begun now."""
        desk, asked = self._desk, self._asked
        if self.broken or desk is None or self._turn is not None or self._waits:
            return b""
        if asked and not (self._pipelining and asked[-1] is Ask.BODY):
            return b""
        while self._begun < self._messages and (submission := desk.next()) is not None:
            self._begun += 1
            said = self._commands.of(submission)
            if not isinstance(said, Outcome):
                self._turn = submission
                return self._group(*said)
            desk.settle(submission, said)
        if self._begun < self._messages and not desk.over:
            self._waits = True
            desk.wait()
        elif not asked:
            self._end()
        return b""

    def _group(self, mail: bytes, rcpt: bytes) -> bytes:
        """Note what is to be asked, and give what may be said of it now: all, or the first command alone."""
        if self._pipelining and self._refused is None:
            self._asked.extend((Ask.MAIL, Ask.RCPT, Ask.DATA))
            return mail + rcpt + b"DATA\r\n"
        said = [(Ask.MAIL, mail), (Ask.RCPT, rcpt), (Ask.DATA, b"DATA\r\n")]
        if self._refused is not None:
            self._refused = None
            said.insert(0, (Ask.RSET, b"RSET\r\n"))
        now = len(said) if self._pipelining else 1
        self._unsaid.extend(said[now:])
        self._asked.extend(ask for ask, _ in said[:now])
        return b"".join(command for _, command in said[:now])

    def _say(self, ask: Ask, command: bytes) -> None:
        self._asked.append(ask)
        self._transport.write(command)

    def _settle_sent(self, outcome: Outcome) -> None:
        sent, self._sent = self._sent, None
        if sent is not None:
            self._settle(sent, outcome)

    def _settle(self, submission: Submission, outcome: Outcome) -> None:
        self.served += 1
        if self._desk is not None:
            self._desk.settle(submission, outcome)

    def _heed_outcome(self, outcome: Outcome) -> None:
        """Drop the connection when what was said makes it useless; the outcome stands whichever it is."""
        if outcome.state in {DeliveryState.PENDING, DeliveryState.UNCERTAIN}:
            self.drop(str(outcome.reply))
        elif outcome.reply is not None:
            self._heed(outcome.reply.code)

    def _heed(self, code: int) -> None:
        if code == 421:
            self.drop("the relay is closing the connection")

    def _unasked(self, reply: Reply) -> None:
        """A reply to nothing; a refusal that takes a 354 back before the body began stands."""
        turn = self._turn
        if turn is not None and not self._unsaid and reply.code >= 400:
            self._turn = None
            self._settle(turn, classify(reply, Phase.DATA))
        self.drop(f"the relay spoke unasked: {reply}")

    def _unheard(self, turn: Submission, asked: Sequence[Ask]) -> None:
        """The connection broke under an envelope. Of one to which nothing was said yet another connection takes charge."""
        ahead = (*asked, *(ask for ask, _ in self._unsaid))
        stage = next((ask for ask in ahead if ask is not Ask.BODY), Ask.DATA)
        if stage in {Ask.RSET, Ask.MAIL} and self.served and self._desk is not None:
            self._desk.put_back(turn)
            return
        phase = Phase.MAIL if stage is Ask.RSET else Phase(stage.value)
        self._settle(turn, Outcome(state=DeliveryState.PENDING, phase=phase, detail=self.broken))

    def _unsent(self) -> bool:
        """Whether the end of the body under way has certainly not left."""
        return bool(self._body) or self._full or self._transport.get_write_buffer_size() > SLACK

    def _end(self) -> None:
        if self._ended is not None and not self._ended.done():
            self._ended.set_result(None)

    def _watch(self) -> None:
        """Note until when we wait. The timer is set only once: it looks again soon enough for any later deadline."""
        if self.broken or not self._asked:
            self._deadline = float("inf")
            return
        now = self._loop.time()
        patience = self._block if self._sent is not None and self._full else self._patience[self._asked[0]]
        self._deadline = now + patience
        if self._timer is None:
            self._timer = self._loop.call_later(min(patience, self._shortest), self._tick)

    def _tick(self) -> None:
        self._timer = None
        now = self._loop.time()
        if self._deadline == float("inf") or self.broken:
            return
        if now < self._deadline:
            self._timer = self._loop.call_at(min(self._deadline, now + self._shortest), self._tick)
        elif self._unsent():
            self.drop(f"the relay took nothing in {self._block:g} seconds")
        else:
            self.drop(f"the relay gave no reply in {self._patience[self._asked[0]]:g} seconds")
