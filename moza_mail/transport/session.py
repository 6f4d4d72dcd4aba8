"""An SMTP session: the mail transactions of one connection (RFC 5321 3.3).

The session is a state machine. It takes over the connection after greeting, TLS and login, and runs in the connection's
callbacks. If the relay offers PIPELINING, the envelope of the next message follows the final dot of the current one (RFC 2920
3.1), so a message costs one round trip. Otherwise the same commands are sent one by one. Replies are matched to commands by
their order. After anything that could break this order (a timeout, a cancellation, an unsolicited line), the connection is
closed and not used again.
"""

import asyncio
import ssl
from collections import deque
from collections.abc import Mapping, Sequence
from enum import Enum

from moza_mail.model.mailing import DeliveryState
from moza_mail.model.outcome import Outcome, is_held, to_outcome
from moza_mail.model.reply import Phase, Reply
from moza_mail.transport.body_writer import BodyWriter
from moza_mail.transport.commands import EnvelopeCommands
from moza_mail.transport.deadline import Deadline
from moza_mail.transport.framing import DOT, ReplyParser, encode_content, make_reply
from moza_mail.transport.limits import Limits
from moza_mail.transport.protocol import Submission
from moza_mail.transport.work_source import WorkSource

READ_BUFFER = 16384


class SmtpStep(Enum):
    """The step for which a reply is awaited.

    BODY: the final dot of a message.
    EMPTY_BODY: a dot without a message.
    """

    MAIL = Phase.MAIL
    RCPT = Phase.RCPT
    DATA = Phase.DATA
    BODY = Phase.BODY
    EMPTY_BODY = "empty body"
    RSET = "rset"
    QUIT = "quit"


class SmtpSession(asyncio.BufferedProtocol):
    """A connection over which messages are sent.

    close_reason: why the connection can no longer be used, empty while it can.
    finished_count: the number of messages that have an outcome.
    """

    def __init__(
        self, transport: asyncio.Transport, *, extensions: Mapping[str, str], limits: Limits
    ) -> None:
        self.close_reason = ""
        self.finished_count = 0
        self.extensions = extensions
        self._transport = transport
        self._loop = asyncio.get_running_loop()
        self._commands = EnvelopeCommands(extensions, notify=limits.notify)
        self._pipelining = "pipelining" in extensions
        self._max_messages = limits.messages_per_connection
        times = limits.timeouts
        self._write_timeout = times.write
        self._reply_timeouts = {
            SmtpStep.MAIL: times.command,
            SmtpStep.RCPT: times.command,
            SmtpStep.RSET: times.command,
            SmtpStep.DATA: times.data,
            SmtpStep.BODY: times.final_dot,
            SmtpStep.EMPTY_BODY: times.final_dot,
            SmtpStep.QUIT: times.quit,
        }
        min_timeout = min(times.write, *self._reply_timeouts.values())
        self._deadline = Deadline(self._drop_expired, min_timeout=min_timeout)
        self._source: WorkSource | None = None
        self._finished: asyncio.Future[None] | None = None
        # One buffer for all reads: asyncio would allocate 256 kB for each segment.
        self._buffer = memoryview(bytearray(READ_BUFFER))
        self._parser = ReplyParser()
        self._body_writer = BodyWriter(transport)
        self._awaited: deque[SmtpStep] = deque()
        self._held_commands: deque[tuple[SmtpStep, bytes]] = deque()
        self._started_count = 0
        self._in_envelope: Submission | None = None  # its MAIL, RCPT and DATA have no final reply yet
        self._in_body: Submission | None = None  # its body is being sent, or awaits the reply to its dot
        self._refused_step: SmtpStep | None = None  # the step that ended a transaction which is not reset yet
        self._is_waiting = False

    @property
    def tls(self) -> ssl.SSLObject | None:
        """Return the TLS state of the connection, None if it is not encrypted."""
        found = self._transport.get_extra_info("ssl_object")
        return found if isinstance(found, ssl.SSLObject) else None

    @property
    def is_usable(self) -> bool:
        """Return True if another transaction may begin."""
        return not self.close_reason and self._started_count < self._max_messages

    async def send_from(self, source: WorkSource) -> None:
        """Send submissions until there are no more or the connection cannot be used any more.

        The connection cannot be used after its maximum number of messages, or after it was closed.
        """
        if self.close_reason:
            return
        self._source, self._finished = source, self._loop.create_future()
        try:
            self._advance()
            await self._finished
        except BaseException:
            self.drop("the session was cancelled")
            raise
        finally:
            self._source = self._finished = None

    async def quit(self) -> None:
        """Send QUIT and close the connection, whatever the relay replies."""
        if not self.close_reason:
            self._finished = self._loop.create_future()
            self._send_command(SmtpStep.QUIT, b"QUIT\r\n")
            self._restart_deadline()
            await self._finished
        self.drop("closed by us")

    def drop(self, reason: str) -> None:
        """Close the connection at once, and record the outcomes of unfinished transactions."""
        if self.close_reason:
            return
        self.close_reason = reason
        self._deadline.cancel()
        is_end_unsent = self._body_writer.is_end_unsent
        # Before Python 3.11.3, abort() raises AttributeError on a TLS transport that is closed.
        if not self._transport.is_closing():
            self._transport.abort()
        self._awaited, awaited = deque(), self._awaited
        if (submission := self._in_body) is not None:
            self._in_body = None
            state = DeliveryState.PENDING if is_end_unsent else DeliveryState.UNCERTAIN
            self._record_outcome(submission, Outcome(state=state, phase=Phase.BODY, detail=reason))
        if (submission := self._in_envelope) is not None:
            self._in_envelope = None
            self._record_dropped_envelope(submission, awaited)
        self._finish_work()

    def wake(self) -> None:
        """Continue, because a submission is ready or there will be no more."""
        self._is_waiting = False
        try:
            self._advance()
        except Exception as error:  # noqa: BLE001 -- raised in send_from
            self._raise_own_error(error)

    def get_buffer(self, sizehint: int) -> memoryview:  # noqa: ARG002 -- asyncio's name; replies are short
        """Return the buffer for the next read."""
        return self._buffer

    def buffer_updated(self, nbytes: int) -> None:
        """Read the replies in the buffer."""
        try:
            self._read_replies(bytes(self._buffer[:nbytes]))
        except Exception as error:  # noqa: BLE001 -- raised in send_from
            self._raise_own_error(error)

    def pause_writing(self) -> None:
        """Stop writing, because the relay reads more slowly than we write."""
        self._body_writer.is_paused = True

    def resume_writing(self) -> None:
        """Continue to write, because the relay has read enough."""
        try:
            self._body_writer.resume()
            self._advance()
            self._restart_deadline()
        except Exception as error:  # noqa: BLE001 -- raised in send_from
            self._raise_own_error(error)

    def eof_received(self) -> None:
        """Close the connection: a relay that has closed its side sends no more replies."""
        self.drop("the relay closed the connection")

    def connection_lost(self, exc: Exception | None) -> None:
        """Record the outcomes, because the connection is lost."""
        self.drop(f"the connection broke: {exc}" if exc else "the relay closed the connection")

    def _raise_own_error(self, error: Exception) -> None:
        """Close the connection, and let `send_from` raise an error of our own code."""
        if self._finished is not None and not self._finished.done():
            self._finished.set_exception(error)
        self.drop("an internal error")

    def _advance(self) -> None:
        """Begin the next transaction if one is ready and the relay can take it now."""
        if self._body_writer.can_write and (commands := self._start_envelope()):
            self._transport.write(commands)
            self._restart_deadline()

    def _read_replies(self, data: bytes) -> None:
        replies = self._parser.feed(data)
        for index, (code, lines) in enumerate(replies, 1):
            if self.close_reason:
                return
            self._handle_reply(code, lines, is_last=index == len(replies))
        if self._parser.error:
            self.drop(self._parser.error)
        if self.close_reason:
            return
        if self._in_envelope is not None and not self._awaited and not self._held_commands:
            self.drop("the relay sent an unsolicited reply after its 354")
            return
        if self._held_commands and not self._awaited:
            self._send_command(*self._held_commands.popleft())
        else:
            self._advance()
        if replies:
            self._restart_deadline()

    def _handle_reply(self, code: int, lines: Sequence[bytes], *, is_last: bool) -> None:
        """Handle one reply. `is_last` is False if another complete reply was read with it."""
        if not self._awaited:
            self._handle_unsolicited(make_reply(code, lines))
            return
        step = self._awaited.popleft()
        if step is SmtpStep.BODY:
            self._handle_body_reply(make_reply(code, lines))
        elif step is SmtpStep.QUIT:
            self.drop("closed by us")
        elif step is SmtpStep.DATA and code == 354:
            self._handle_354(is_last=is_last and not self._parser.has_partial_reply)
        elif step is SmtpStep.EMPTY_BODY:
            self._refused_step = None
            self._drop_on_421(code)
        elif step is SmtpStep.RSET:
            if code != 250:
                self.drop(f"the relay refuses RSET: {make_reply(code, lines)}")
        elif step is SmtpStep.DATA or not 200 <= code < 300:
            # Any 2xx is success (RFC 5321 4.2.1): with 252 to RCPT the relay accepts the recipient and will try.
            self._handle_refusal(step, make_reply(code, lines))

    def _handle_refusal(self, step: SmtpStep, reply: Reply) -> None:
        """Handle a refusal of MAIL, RCPT or DATA.

        With pipelining, the replies to the later commands of the same message only repeat the refusal, except a 421.
        """
        submission = self._in_envelope
        if submission is None:
            self._drop_on_421(reply.code)
        elif step is SmtpStep.MAIL and reply.code == 421 and self.finished_count and self._source is not None:
            self._in_envelope = None
            self._source.put_back(submission)
            self.drop(str(reply))
        else:
            self._in_envelope = None
            self._held_commands.clear()
            self._refused_step = step
            outcome = to_outcome(reply, Phase(step.value), submission.envelope)
            self._record_outcome(submission, outcome)
            self._drop_if_unusable(outcome)

    def _handle_body_reply(self, reply: Reply) -> None:
        is_early = self._body_writer.is_end_unsent
        if self._in_body is None:
            self.drop("the relay replied to a body that was not sent")
            return
        if is_early and reply.code < 400:
            self._record_body_outcome(
                Outcome(state=DeliveryState.UNCERTAIN, phase=Phase.BODY, reply=reply, detail="too early")
            )
            self.drop(f"the relay replied before the end of the body: {reply}")
            return
        outcome = to_outcome(reply, Phase.BODY, self._in_body.envelope)
        self._record_body_outcome(outcome)
        if is_early:
            self.drop(f"the relay replied before the end of the body: {reply}")
        else:
            self._drop_if_unusable(outcome)

    def _handle_354(self, *, is_last: bool) -> None:
        """Send the body, unless another reply follows the 354 and may revoke it."""
        submission = self._in_envelope
        if submission is None and self._refused_step is SmtpStep.RCPT:
            # RFC 2920 3.1: the relay accepted DATA although it had refused the only recipient.
            self._send_command(SmtpStep.EMPTY_BODY, DOT)
        elif submission is None:
            self.drop("the relay accepts DATA after it refused the sender")
        elif is_last:
            self._in_envelope, self._in_body = None, submission
            self._awaited.append(SmtpStep.BODY)
            body = encode_content(submission.message)
            self._body_writer.start(body, DOT + self._start_envelope())

    def _start_envelope(self) -> bytes:
        """Begin the next transaction and return the commands to write now.

        The result is empty if no transaction can begin.
        """
        source, awaited = self._source, self._awaited
        if self.close_reason or source is None or self._in_envelope is not None or self._is_waiting:
            return b""
        if awaited and not (self._pipelining and awaited[-1] is SmtpStep.BODY):
            return b""
        while self._started_count < self._max_messages and (submission := source.take_ready()) is not None:
            self._started_count += 1
            commands = self._commands.make_commands(submission)
            if not isinstance(commands, Outcome):
                self._in_envelope = submission
                return self._queue_commands(*commands)
            source.record_outcome(submission, commands)
        if self._started_count < self._max_messages and not source.is_finished:
            self._is_waiting = True
            source.wake_when_ready()
        elif not awaited:
            self._finish_work()
        return b""

    def _queue_commands(self, mail: bytes, rcpt: bytes) -> bytes:
        """Return the commands to write now: all with PIPELINING, otherwise only the first one."""
        if self._pipelining and self._refused_step is None:
            self._awaited.extend((SmtpStep.MAIL, SmtpStep.RCPT, SmtpStep.DATA))
            return mail + rcpt + b"DATA\r\n"
        commands = [(SmtpStep.MAIL, mail), (SmtpStep.RCPT, rcpt), (SmtpStep.DATA, b"DATA\r\n")]
        if self._refused_step is not None:
            self._refused_step = None
            commands.insert(0, (SmtpStep.RSET, b"RSET\r\n"))
        count = len(commands) if self._pipelining else 1
        self._held_commands.extend(commands[count:])
        self._awaited.extend(step for step, _ in commands[:count])
        return b"".join(command for _, command in commands[:count])

    def _send_command(self, step: SmtpStep, command: bytes) -> None:
        self._awaited.append(step)
        self._transport.write(command)

    def _record_body_outcome(self, outcome: Outcome) -> None:
        submission, self._in_body = self._in_body, None
        if submission is not None:
            self._record_outcome(submission, outcome)

    def _record_outcome(self, submission: Submission, outcome: Outcome) -> None:
        self.finished_count += 1
        if self._source is not None:
            self._source.record_outcome(submission, outcome)

    def _record_dropped_envelope(self, submission: Submission, awaited: Sequence[SmtpStep]) -> None:
        """Record the outcome of an envelope after its connection was lost.

        The submission is put back instead if two conditions hold: the relay had not replied to MAIL, and the
        connection had already finished a message.
        """
        steps = (*awaited, *(step for step, _ in self._held_commands))
        current = next((step for step in steps if step is not SmtpStep.BODY), SmtpStep.DATA)
        if current in {SmtpStep.RSET, SmtpStep.MAIL} and self.finished_count and self._source is not None:
            self._source.put_back(submission)
            return
        phase = Phase.MAIL if current is SmtpStep.RSET else Phase(current.value)
        self._record_outcome(
            submission, Outcome(state=DeliveryState.PENDING, phase=phase, detail=self.close_reason)
        )

    def _drop_if_unusable(self, outcome: Outcome) -> None:
        """Close the connection if the outcome shows that it cannot be used any more."""
        if outcome.state in {DeliveryState.PENDING, DeliveryState.UNCERTAIN} and not is_held(outcome):
            self.drop(str(outcome.reply))
        elif outcome.reply is not None:
            self._drop_on_421(outcome.reply.code)

    def _drop_on_421(self, code: int) -> None:
        if code == 421:
            self.drop("the relay is closing the connection")

    def _handle_unsolicited(self, reply: Reply) -> None:
        """Handle an unsolicited reply, which ends the connection.

        A 4xx or 5xx after 354 but before the body is the outcome of the transaction.
        """
        submission = self._in_envelope
        if submission is not None and not self._held_commands and reply.code >= 400:
            self._in_envelope = None
            self._record_outcome(submission, to_outcome(reply, Phase.DATA, submission.envelope))
        self.drop(f"the relay sent an unsolicited reply: {reply}")

    def _finish_work(self) -> None:
        if self._finished is not None and not self._finished.done():
            self._finished.set_result(None)

    def _restart_deadline(self) -> None:
        if self.close_reason or not self._awaited:
            self._deadline.clear()
        elif self._in_body is not None and self._body_writer.is_paused:
            self._deadline.restart(self._write_timeout)
        else:
            self._deadline.restart(self._reply_timeouts[self._awaited[0]])

    def _drop_expired(self) -> None:
        if self._body_writer.is_end_unsent:
            self.drop(f"the relay read nothing in {self._write_timeout:g} seconds")
        else:
            self.drop(f"the relay gave no reply in {self._reply_timeouts[self._awaited[0]]:g} seconds")
