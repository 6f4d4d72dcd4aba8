"""Transports to a relay, an outbox folder or memory, chosen by the relay URL."""

from typing import TYPE_CHECKING, Any

from moza_mail.transport.limits import Limits
from moza_mail.transport.protocol import Outcomes, RecordIntents, Submission, Transport

if TYPE_CHECKING:
    from moza_mail.transport.factory import open_transport
    from moza_mail.transport.memory import MemoryTransport
    from moza_mail.transport.probe import find_outbox_problem, probe_relay

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


def __getattr__(name: str) -> Any:
    """Import a transport on first use, so that commands that never send start quickly."""
    if name == "open_transport":
        from moza_mail.transport.factory import open_transport

        return open_transport
    if name in {"find_outbox_problem", "probe_relay"}:
        from moza_mail.transport import probe

        return getattr(probe, name)
    if name == "MemoryTransport":
        from moza_mail.transport.memory import MemoryTransport

        return MemoryTransport
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
