"""Transports to a relay, an outbox folder or memory, chosen by the relay URL."""

from typing import TYPE_CHECKING

from moza_mail.lazy import import_on_first_use

if TYPE_CHECKING:
    from moza_mail.transport.factory import open_transport
    from moza_mail.transport.limits import Limits
    from moza_mail.transport.memory import MemoryTransport
    from moza_mail.transport.probe import find_outbox_problem, probe_relay
    from moza_mail.transport.protocol import Outcomes, RecordIntents, Submission, Transport

__all__ = [
    "Limits",
    "MemoryTransport",
    "Outcomes",
    "RecordIntents",
    "Submission",
    "Transport",
    "find_outbox_problem",
    "open_transport",
    "probe_relay",
]  # fmt: skip

__getattr__ = import_on_first_use(
    __name__,
    factory="open_transport",
    limits="Limits",
    memory="MemoryTransport",
    probe="find_outbox_problem probe_relay",
    protocol="Outcomes RecordIntents Submission Transport",
)
