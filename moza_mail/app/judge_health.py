"""Diagnose the relay, the store, the secret files and the clock from observations. Pure."""

import stat
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from moza_mail.model.health import (
    Diagnosis,
    FilePermissions,
    RelayStatus,
    StoreStatus,
    bad,
    doubtful,
    good,
    unknown,
)
from moza_mail.model.message_size import size_limit

MEGABYTE = 1_000_000
# A message to each of 100,000 recipients is a row of some 300 bytes that is written three times.
LOW_SPACE, VERY_LOW_SPACE = 1000 * MEGABYTE, 100 * MEGABYTE
# Certificates that are renewed automatically are renewed a month before they expire.
CERTIFICATE_MARGIN = timedelta(days=14)
# The clocks of one organisation differ less than this.
CLOCK_TOLERANCE = timedelta(minutes=5)
OTHER_USERS = stat.S_IRWXG | stat.S_IRWXO


@dataclass(frozen=True, slots=True, kw_only=True)
class RelayRequirements:
    """Requirements on a relay. `size` is the size of the newest issue's message in bytes, 0 if unknown."""

    size: int = 0
    reports: bool = False
    smtputf8: bool = False


def judge_relay(seen: RelayStatus, needs: RelayRequirements, *, now: datetime) -> Iterator[Diagnosis]:
    """Judge a relay by its connection, its certificate and its extensions."""
    security = f", {seen.tls}" if seen.tls else ", without TLS"
    login = " and accepts our login" if seen.logged_in else ""
    yield good("relay", f"{seen.relay} answers{security}{login}; no mail was sent")
    if seen.certificate_ends is not None:
        yield _judge_certificate(seen.certificate_ends - now, seen.certificate_ends)
    yield from _judge_extensions(seen, needs)


def _judge_certificate(left: timedelta, ends: datetime) -> Diagnosis:
    days = "less than a day" if left.days < 1 else "1 day" if left.days == 1 else f"{left.days} days"
    says = f"its certificate expires on {ends.date()}, in {days}"
    if left < CERTIFICATE_MARGIN:
        return doubtful("relay", says, "Ask the operator of the relay to renew it; later nothing is sent.")
    return good("relay", says)


def _judge_extensions(seen: RelayStatus, needs: RelayRequirements) -> Iterator[Diagnosis]:
    """Judge the extensions that we use (RFC 2920, 1870, 3461, 6531)."""
    offered = seen.extensions
    names = ", ".join(sorted(name.upper() for name in offered)) or "nothing"
    if "pipelining" not in offered:
        yield doubtful(
            "relay",
            f"it does not offer PIPELINING, so each message takes several round trips (it offers {names})",
            "Ask the operator of the relay. The mail itself is not affected.",
        )
    limit = size_limit(offered.get("size", ""))
    if limit is not None and limit < needs.size:
        yield bad(
            "relay",
            f"it accepts messages of at most {limit} bytes, but the newest issue makes one of {needs.size}",
            "Make its images smaller or link them (asset_url), or ask for a higher limit.",
        )
    if needs.reports and "dsn" not in offered:
        yield doubtful(
            "relay",
            "it does not offer DSN, so bounces come in the relay's own format, if at all",
            'Process bounces all the same, or write dsn = "off".',
        )
    if needs.smtputf8 and "smtputf8" not in offered:
        yield bad(
            "relay",
            "`smtputf8` is set but the relay does not offer it, so it refuses non-ASCII addresses",
            "Set smtputf8 = false, or use a relay that offers it.",
        )
    if "pipelining" in offered:
        yield good("relay", f"it offers {names}")


def judge_store(seen: StoreStatus, *, free: int | None) -> Iterator[Diagnosis]:
    """Judge a store. `free` is the free space on its disk in bytes; None if the store is on a server."""
    name = str(seen.path or "the database")
    if not seen.exists:
        yield good("store", f"{name} does not exist yet; it is created on first use")
    elif seen.damage:
        yield bad(
            "store",
            f"{name} is damaged: {seen.damage}",
            "Send nothing. Keep a copy of the damaged file, and restore the newest backup (docs/operate.md).",
        )
    elif seen.schema > seen.known_schema:
        yield bad(
            "store",
            f"{name} was written by a newer moza-mail (its tables have version {seen.schema}, this one knows {seen.known_schema})",
            "Install the newer moza-mail.",
        )
    elif seen.schema < seen.known_schema:
        yield good(
            "store",
            f"{name} has version {seen.schema}; the next command that uses it upgrades it to {seen.known_schema}",
        )
    else:
        yield good("store", f"{name} is intact and has the current version ({seen.known_schema})")
    if free is not None:
        yield _judge_disk(free)


def _judge_disk(free: int) -> Diagnosis:
    says = f"its disk has {free / (1000 * MEGABYTE):.1f} GB of free space"
    if free < VERY_LOW_SPACE:
        return bad("store", says, "Free some space first: a mailing stops if the ledger cannot be written.")
    if free < LOW_SPACE:
        return doubtful("store", says, "Free some space before a large mailing.")
    return good("store", says)


def judge_files(seen: Sequence[FilePermissions]) -> Iterator[Diagnosis]:
    """Judge who can read the secret files."""
    for file in seen:
        mode = f"{stat.S_IMODE(file.mode):04o}"
        if file.mode & OTHER_USERS:
            yield bad(
                "files",
                f"{file.name} ({file.path}) can be read by other users (mode {mode})",
                f"Type: chmod 600 {file.path}",
            )
        elif not file.is_owned:
            yield doubtful(
                "files",
                f"{file.name} ({file.path}) belongs to another user",
                f"Type: chown $USER {file.path}",
            )
    if seen and all(file.is_owned and not file.mode & OTHER_USERS for file in seen):
        names = ", ".join(dict.fromkeys(file.name for file in seen))
        yield good("files", f"only their owner can read: {names}")


def judge_clock(now: datetime, newest: datetime | None, *, synchronised: bool | None) -> Iterator[Diagnosis]:
    """Judge the clock by the newest time in the store, and by whether the kernel calls it synchronised."""
    shown = f"{now:%Y-%m-%d %H:%M} UTC"
    if newest is not None and newest - now > CLOCK_TOLERANCE:
        yield bad(
            "clock",
            f"this machine's clock says {shown}, but the store has an entry of {newest:%Y-%m-%d %H:%M} UTC",
            "Set the clock before you send: links would expire and retries would wait by it.",
        )
    elif synchronised is None:
        yield unknown("clock", f"this machine's clock says {shown}; it is unknown whether it is synchronised")
    elif synchronised:
        yield good("clock", f"this machine's clock says {shown}, synchronised over the network")
    else:
        yield doubtful(
            "clock",
            f"this machine's clock says {shown}, and is not synchronised",
            "Switch on systemd-timesyncd, chrony or another NTP client.",
        )
