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
from moza_mail.transport.commands import EnvelopeCommands
from moza_mail.transport.framing import DOT, ReplyParser, encode_content, make_reply
from moza_mail.transport.limits import Limits
from moza_mail.transport.protocol import Submission

# The transport tells us when it holds more octets than this that have not left, which is more than can ever stand behind
# a body's dot: then the dot has not left either, and the relay cannot have taken the message.
WRITE_BUFFER = 4096
CHUNK, BUFFER = 65536, 16384


class SmtpStep(Enum):
    """What we wait for a reply to. BODY is the dot; LONE a dot behind nothing, whose reply is nobody's."""

    MAIL = Phase.MAIL
    RCPT = Phase.RCPT
    DATA = Phase.DATA
    BODY = Phase.BODY
    EMPTY_BODY = "lone"
    RSET = "rset"
    QUIT = "quit"


class WorkSource(Protocol):
    """Where a session gets its work and leaves its outcomes."""

    @property
    def is_finished(self) -> bool:
        """Whether nothing more will come."""

    def take_ready(self) -> Submission | None:
        """A submission that the ledger has noted, or None when none is ready now."""

    def wake_when_ready(self) -> None:
        """Have the session woken when one is ready or none will come."""

    def put_back(self, submission: Submission) -> None:
        """Nothing was sent of it, and the relay is not to blame."""

    def record_outcome(self, submission: Submission, outcome: Outcome) -> None:
        """Tell what became of a submission."""


class SmtpSession(asyncio.BufferedProtocol):
    """A connection that is ready for MAIL.

    `broken` says why it can no longer be used; empty while it can. `served` counts the messages concluded over it.
    """

    def __init__(
        self, transport: asyncio.Transport, *, extensions: Mapping[str, str], limits: Limits
    ) -> None:
        self.close_reason = ""
        self.finished_count = 0
        self.extensions = extensions
        self._transport = transport
        transport.set_write_buffer_limits(high=WRITE_BUFFER, low=WRITE_BUFFER)
        self._loop = asyncio.get_running_loop()
        self._commands = EnvelopeCommands(extensions, notify=limits.notify)
        self._pipelining = "pipelining" in extensions
        self._max_messages = limits.messages_per_connection
        self._write_timeout = limits.timeouts.write
        times = limits.timeouts
        self._reply_timeouts = {
            SmtpStep.MAIL: times.command,
            SmtpStep.RCPT: times.command,
            SmtpStep.RSET: times.command,
            SmtpStep.DATA: times.data,
            SmtpStep.BODY: times.final_dot,
            SmtpStep.EMPTY_BODY: times.final_dot,
            SmtpStep.QUIT: times.quit,
        }
        self._source: WorkSource | None = None
        self._ended: asyncio.Future[None] | None = None
        # One for all that comes: asyncio would make one of 256 kB for each segment.
        self._buffer = memoryview(bytearray(BUFFER))
        self._parser = ReplyParser()
        self._awaited: deque[SmtpStep] = deque()
        self._held_commands: deque[tuple[SmtpStep, bytes]] = deque()
        self._started_count = 0
        self._in_envelope: Submission | None = None  # its envelope is under way
        self._in_body: Submission | None = None  # its body is under way, or gone
        self._unwritten_body = memoryview(b"")  # what has not been given to the transport yet
        self._is_paused = False
        self._refused_step: SmtpStep | None = None  # what ended a transaction that has not been reset yet
        self._is_waiting = False
        self._deadline = 0.0
        self._min_timeout = min(self._write_timeout, *self._reply_timeouts.values())
        self._timer: asyncio.TimerHandle | None = None

    @property
    def tls(self) -> ssl.SSLObject | None:
        """The connection's TLS, None when it has none."""
        found = self._transport.get_extra_info("ssl_object")
        return found if isinstance(found, ssl.SSLObject) else None

    @property
    def is_usable(self) -> bool:
        """Whether another transaction may begin."""
        return not self.close_reason and self._started_count < self._max_messages

    async def send_from(self, source: WorkSource) -> None:
        """Send what the desk has until it has no more, the connection has had its share, or it is broken."""
        if self.close_reason:
            return
        self._source, self._ended = source, self._loop.create_future()
        try:
            self._advance()
            await self._ended
        except BaseException:
            self.drop("given up")
            raise
        finally:
            self._source = self._ended = None

    async def quit(self) -> None:
        """Say goodbye and close, whatever the relay answers."""
        if not self.close_reason:
            self._ended = self._loop.create_future()
            self._send_command(SmtpStep.QUIT, b"QUIT\r\n")
            self._restart_timer()
            await self._ended
        self.drop("closed by us")

    def drop(self, reason: str) -> None:
        """Close at once, and conclude what was under way."""
        if self.close_reason:
            return
        self.close_reason = reason
        if self._timer is not None:
            self._timer.cancel()
        unsent = self._is_body_unsent()
        # Before Python 3.11.3 abort() on a TLS transport that is gone raises AttributeError.
        if not self._transport.is_closing():
            self._transport.abort()
        self._awaited, asked = deque(), self._awaited
        if (sent := self._in_body) is not None:
            self._in_body = None
            state = DeliveryState.PENDING if unsent else DeliveryState.UNCERTAIN
            self._record_outcome(sent, Outcome(state=state, phase=Phase.BODY, detail=reason))
        if (turn := self._in_envelope) is not None:
            self._in_envelope = None
            self._conclude_envelope(turn, asked)
        self._finish_work()

    def wake(self) -> None:
        """Look again at the desk."""
        self._is_waiting = False
        try:
            self._advance()
        except Exception as error:  # noqa: BLE001 -- raised where the work is waited for
            self._raise_own_error(error)

    def get_buffer(self, sizehint: int) -> memoryview:  # noqa: ARG002 -- asyncio's name; replies are short
        """Where the transport is to put what the relay says."""
        return self._buffer

    def buffer_updated(self, nbytes: int) -> None:
        """Hear what the relay says."""
        try:
            self._read_replies(bytes(self._buffer[:nbytes]))
        except Exception as error:  # noqa: BLE001 -- raised where the work is waited for
            self._raise_own_error(error)

    def pause_writing(self) -> None:
        """The relay reads slower than we write."""
        self._is_paused = True

    def resume_writing(self) -> None:
        """The relay has caught up."""
        self._is_paused = False
        try:
            self._write_body()
            self._advance()
            self._restart_timer()
        except Exception as error:  # noqa: BLE001 -- raised where the work is waited for
            self._raise_own_error(error)

    def eof_received(self) -> None:
        """The relay has closed its side, and hears no more."""
        self.drop("the relay closed the connection")

    def connection_lost(self, exc: Exception | None) -> None:
        """The connection is gone."""
        self.drop(f"the connection broke: {exc}" if exc else "the relay closed the connection")

    def _raise_own_error(self, error: Exception) -> None:
        """An error of our own ends the connection, and is raised where its work is waited for."""
        if self._ended is not None and not self._ended.done():
            self._ended.set_exception(error)
        self.drop("an error of our own")

    def _advance(self) -> None:
        """Begin the next transaction, when there is one and its turn has come."""
        if not self._is_paused and not self._unwritten_body and (group := self._start_envelope()):
            self._transport.write(group)
            self._restart_timer()

    def _read_replies(self, data: bytes) -> None:
        replies = self._parser.feed(data)
        left = len(replies)
        for code, lines in replies:
            if self.close_reason:
                return
            left -= 1
            self._handle_reply(code, lines, more=left > 0)
        if self._parser.error:
            self.drop(self._parser.error)
        if self.close_reason:
            return
        if self._in_envelope is not None and not self._awaited and not self._held_commands:
            self.drop("the relay spoke unasked behind its 354")
            return
        if self._held_commands and not self._awaited:
            self._send_command(*self._held_commands.popleft())
        else:
            self._advance()
        if replies:
            self._restart_timer()

    def _handle_reply(self, code: int, lines: Sequence[bytes], *, more: bool) -> None:
        """Take one reply; `more` when another came with it."""
        if not self._awaited:
            self._handle_unsolicited(make_reply(code, lines))
            return
        ask = self._awaited.popleft()
        if ask is SmtpStep.BODY:
            self._handle_body_reply(make_reply(code, lines))
        elif ask is SmtpStep.QUIT:
            self.drop("closed by us")
        elif ask is SmtpStep.DATA and code == 354:
            self._handle_354(more=more or self._parser.has_partial_reply)
        elif ask is SmtpStep.EMPTY_BODY:
            self._refused_step = None
            self._drop_on_421(code)
        elif ask is SmtpStep.RSET:
            if code != 250:
                self.drop(f"the relay cannot reset: {make_reply(code, lines)}")
        elif ask is SmtpStep.DATA or not 200 <= code < 300:
            # Any 2xx will do (RFC 5321 4.2.1): a 252 to RCPT says that the relay takes it and will try.
            self._handle_refusal(ask, make_reply(code, lines))

    def _handle_refusal(self, ask: SmtpStep, reply: Reply) -> None:
        """A refusal; what follows it in its group is no more than an echo, but for a 421."""
        turn = self._in_envelope
        if turn is None:
            self._drop_on_421(reply.code)
        elif ask is SmtpStep.MAIL and reply.code == 421 and self.finished_count and self._source is not None:
            self._in_envelope = None
            self._source.put_back(turn)
            self.drop(str(reply))
        else:
            self._in_envelope = None
            self._held_commands.clear()
            self._refused_step = ask
            outcome = classify(reply, Phase(ask.value))
            self._record_outcome(turn, outcome)
            self._act_on_outcome(outcome)

    def _handle_body_reply(self, reply: Reply) -> None:
        sent, early = self._in_body, self._is_body_unsent()
        if sent is None:
            self.drop("the relay answered a body that was not sent")
            return
        if early and reply.code < 400:
            self._record_body_outcome(
                Outcome(state=DeliveryState.UNCERTAIN, phase=Phase.BODY, reply=reply, detail="too early")
            )
            self.drop(f"the relay answered before the end of the body: {reply}")
            return
        outcome = classify(reply, Phase.BODY)
        self._record_body_outcome(outcome)
        if early:
            self.drop(f"the relay answered before the end of the body: {reply}")
        else:
            self._act_on_outcome(outcome)

    def _handle_354(self, *, more: bool) -> None:
        """The relay wants the body, unless something came behind its 354 that takes it back."""
        turn = self._in_envelope
        if turn is None and self._refused_step is SmtpStep.RCPT:
            # RFC 2920 3.1: nobody to mail is left, and DATA was taken all the same.
            self._send_command(SmtpStep.EMPTY_BODY, DOT)
        elif turn is None:
            self.drop("the relay wants a body after it refused the sender")
        elif not more:
            self._in_envelope, self._in_body = None, turn
            self._awaited.append(SmtpStep.BODY)
            body = encode_content(turn.message)
            self._start_body(body, DOT + self._start_envelope())

    def _start_body(self, body: bytes, tail: bytes) -> None:
        if len(body) <= CHUNK:
            self._transport.writelines((body, tail))
        else:
            self._unwritten_body = memoryview(body + tail)
            self._write_body()

    def _write_body(self) -> None:
        """Give the transport as much of a large body as it takes."""
        while self._unwritten_body and not self._is_paused and not self.close_reason:
            piece, self._unwritten_body = self._unwritten_body[:CHUNK], self._unwritten_body[CHUNK:]
            self._transport.write(piece)

    def _start_envelope(self) -> bytes:
        """Begin the next transaction: what to write for it, empty when nothing is to be begun now."""
        desk, asked = self._source, self._awaited
        if self.close_reason or desk is None or self._in_envelope is not None or self._is_waiting:
            return b""
        if asked and not (self._pipelining and asked[-1] is SmtpStep.BODY):
            return b""
        while self._started_count < self._max_messages and (submission := desk.take_ready()) is not None:
            self._started_count += 1
            said = self._commands.make_commands(submission)
            if not isinstance(said, Outcome):
                self._in_envelope = submission
                return self._queue_commands(*said)
            desk.record_outcome(submission, said)
        if self._started_count < self._max_messages and not desk.is_finished:
            self._is_waiting = True
            desk.wake_when_ready()
        elif not asked:
            self._finish_work()
        return b""

    def _queue_commands(self, mail: bytes, rcpt: bytes) -> bytes:
        """Note what is to be asked, and give what may be said of it now: all, or the first command alone."""
        if self._pipelining and self._refused_step is None:
            self._awaited.extend((SmtpStep.MAIL, SmtpStep.RCPT, SmtpStep.DATA))
            return mail + rcpt + b"DATA\r\n"
        said = [(SmtpStep.MAIL, mail), (SmtpStep.RCPT, rcpt), (SmtpStep.DATA, b"DATA\r\n")]
        if self._refused_step is not None:
            self._refused_step = None
            said.insert(0, (SmtpStep.RSET, b"RSET\r\n"))
        now = len(said) if self._pipelining else 1
        self._held_commands.extend(said[now:])
        self._awaited.extend(ask for ask, _ in said[:now])
        return b"".join(command for _, command in said[:now])

    def _send_command(self, ask: SmtpStep, command: bytes) -> None:
        self._awaited.append(ask)
        self._transport.write(command)

    def _record_body_outcome(self, outcome: Outcome) -> None:
        sent, self._in_body = self._in_body, None
        if sent is not None:
            self._record_outcome(sent, outcome)

    def _record_outcome(self, submission: Submission, outcome: Outcome) -> None:
        self.finished_count += 1
        if self._source is not None:
            self._source.record_outcome(submission, outcome)

    def _act_on_outcome(self, outcome: Outcome) -> None:
        """Drop the connection when what was said makes it useless; the outcome stands whichever it is."""
        if outcome.state in {DeliveryState.PENDING, DeliveryState.UNCERTAIN}:
            self.drop(str(outcome.reply))
        elif outcome.reply is not None:
            self._drop_on_421(outcome.reply.code)

    def _drop_on_421(self, code: int) -> None:
        if code == 421:
            self.drop("the relay is closing the connection")

    def _handle_unsolicited(self, reply: Reply) -> None:
        """A reply to nothing; a refusal that takes a 354 back before the body began stands."""
        turn = self._in_envelope
        if turn is not None and not self._held_commands and reply.code >= 400:
            self._in_envelope = None
            self._record_outcome(turn, classify(reply, Phase.DATA))
        self.drop(f"the relay spoke unasked: {reply}")

    def _conclude_envelope(self, turn: Submission, asked: Sequence[SmtpStep]) -> None:
        """The connection broke under an envelope. Of one to which nothing was said yet another connection takes charge."""
        ahead = (*asked, *(ask for ask, _ in self._held_commands))
        stage = next((ask for ask in ahead if ask is not SmtpStep.BODY), SmtpStep.DATA)
        if stage in {SmtpStep.RSET, SmtpStep.MAIL} and self.finished_count and self._source is not None:
            self._source.put_back(turn)
            return
        phase = Phase.MAIL if stage is SmtpStep.RSET else Phase(stage.value)
        self._record_outcome(
            turn, Outcome(state=DeliveryState.PENDING, phase=phase, detail=self.close_reason)
        )

    def _is_body_unsent(self) -> bool:
        """Whether the end of the body under way has certainly not left."""
        return (
            bool(self._unwritten_body)
            or self._is_paused
            or self._transport.get_write_buffer_size() > WRITE_BUFFER
        )

    def _finish_work(self) -> None:
        if self._ended is not None and not self._ended.done():
            self._ended.set_result(None)

    def _restart_timer(self) -> None:
        """Note until when we wait. The timer is set only once: it looks again soon enough for any later deadline."""
        if self.close_reason or not self._awaited:
            self._deadline = float("inf")
            return
        now = self._loop.time()
        patience = (
            self._write_timeout
            if self._in_body is not None and self._is_paused
            else self._reply_timeouts[self._awaited[0]]
        )
        self._deadline = now + patience
        if self._timer is None:
            self._timer = self._loop.call_later(min(patience, self._min_timeout), self._check_deadline)

    def _check_deadline(self) -> None:
        self._timer = None
        now = self._loop.time()
        if self._deadline == float("inf") or self.close_reason:
            return
        if now < self._deadline:
            self._timer = self._loop.call_at(
                min(self._deadline, now + self._min_timeout), self._check_deadline
            )
        elif self._is_body_unsent():
            self.drop(f"the relay took nothing in {self._write_timeout:g} seconds")
        else:
            self.drop(f"the relay gave no reply in {self._reply_timeouts[self._awaited[0]]:g} seconds")
