"""What is seen of this machine, the store and the relay, judged: each as a state, a sentence and what to do."""

import stat
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from moza_mail.model.health import Diagnosis, FileSeen, RelaySeen, StoreStatus, bad, doubtful, good, unknown
from moza_mail.model.message_size import size_limit

MEGABYTE = 1_000_000
# A message for each of a hundred thousand readers is a row of some 300 bytes, three times written.
LITTLE, VERY_LITTLE = 1000 * MEGABYTE, 100 * MEGABYTE
# A certificate is renewed a month before its end where that is automatic; who is later should look.
SOON = timedelta(days=14)
# More than clocks of one organisation differ.
APART = timedelta(minutes=5)
OTHERS = stat.S_IRWXG | stat.S_IRWXO


@dataclass(frozen=True, slots=True, kw_only=True)
class RelayRequirements:
    """What our mail asks of a relay: `size` is that of the newest issue's message in bytes, 0 when that is not known."""

    size: int = 0
    reports: bool = False
    smtputf8: bool = False


def judge_relay(seen: RelaySeen, wants: RelayRequirements, *, now: datetime) -> Iterator[Diagnosis]:
    """Judge what a relay showed of itself."""
    how = f", {seen.tls}" if seen.tls else ", without TLS"
    login = " and lets us log in" if seen.logged_in else ""
    yield good("relay", f"{seen.relay} answers{how}{login}; no mail was sent")
    if seen.ends is not None:
        yield _certificate(seen.ends - now, seen.ends)
    yield from _extensions(seen, wants)


def _certificate(left: timedelta, ends: datetime) -> Diagnosis:
    says = f"its certificate ends on {ends.date()}, in {_days(left)}"
    if left < SOON:
        return doubtful("relay", says, "Ask who keeps the relay to renew it: after that day nothing is sent.")
    return good("relay", says)


def _days(left: timedelta) -> str:
    return "less than a day" if left.days < 1 else "1 day" if left.days == 1 else f"{left.days} days"


def _extensions(seen: RelaySeen, wants: RelayRequirements) -> Iterator[Diagnosis]:
    """What it offers of what we use (RFC 2920, 1870, 3461, 6531)."""
    offered = seen.extensions
    shown = ", ".join(sorted(name.upper() for name in offered)) or "nothing"
    if "pipelining" not in offered:
        yield doubtful(
            "relay",
            f"it offers no PIPELINING, so each message takes several round trips (it offers {shown})",
            "Ask who keeps the relay; nothing is wrong with the mail.",
        )
    limit = size_limit(offered.get("size", ""))
    if limit is not None and limit < wants.size:
        yield bad(
            "relay",
            f"it takes messages of at most {limit} bytes, and that of the newest issue has {wants.size}",
            "Make its images smaller or link them (asset_url), or ask for a higher limit.",
        )
    if wants.reports and "dsn" not in offered:
        yield doubtful(
            "relay",
            "it offers no DSN, so what it cannot deliver comes back in words of its own, if at all",
            'Have bounces read all the same; or write dsn = "off".',
        )
    if wants.smtputf8 and "smtputf8" not in offered:
        yield bad(
            "relay",
            "smtputf8 is set and it does not offer that, so readers with an address beyond ASCII are refused",
            "Set smtputf8 = false, or use a relay that has it.",
        )
    if "pipelining" in offered:
        yield good("relay", f"it offers {shown}")


def judge_store(seen: StoreStatus, *, free: int | None) -> Iterator[Diagnosis]:
    """Judge a store; `free` is what is left on its disk in bytes, None when that is not ours to see."""
    named = str(seen.path or "the database")
    if not seen.there:
        yield good("store", f"{named} is not there yet: it is made when it is first used")
    elif seen.damage:
        yield bad(
            "store",
            f"{named} is damaged: {seen.damage}",
            "Send nothing more. Keep a copy of it as it is, and put the newest backup back (docs/operate.md).",
        )
    elif seen.schema > seen.head:
        yield bad(
            "store",
            f"{named} was written by a newer moza-mail (its tables are {seen.schema}, this one knows {seen.head})",
            "Install the newer moza-mail.",
        )
    elif seen.schema < seen.head:
        yield good(
            "store",
            f"{named} is of version {seen.schema}: the next command that uses it brings it to {seen.head}",
        )
    else:
        yield good("store", f"{named} is sound and of this version ({seen.head})")
    if free is not None:
        yield _disk(free)


def _disk(free: int) -> Diagnosis:
    says = f"{free / (1000 * MEGABYTE):.1f} GB is free on its disk"
    if free < VERY_LITTLE:
        return bad(
            "store", says, "Make room before you send: a ledger that cannot be written stops the mailing."
        )
    if free < LITTLE:
        return doubtful("store", says, "Make room before a large mailing.")
    return good("store", says)


def judge_files(seen: Sequence[FileSeen]) -> Iterator[Diagnosis]:
    """Judge who can read what is secret."""
    for each in seen:
        mode = f"{stat.S_IMODE(each.mode):04o}"
        if each.mode & OTHERS:
            yield bad(
                "files",
                f"{each.named} ({each.path}) can be read by others than its owner (mode {mode})",
                f"Type: chmod 600 {each.path}",
            )
        elif not each.ours:
            yield doubtful(
                "files",
                f"{each.named} ({each.path}) belongs to another user",
                f"Type: chown $USER {each.path}",
            )
    if seen and all(each.ours and not each.mode & OTHERS for each in seen):
        named = ", ".join(dict.fromkeys(each.named for each in seen))
        yield good("files", f"only their owner can read: {named}")


def judge_clock(now: datetime, newest: datetime | None, *, synchronised: bool | None) -> Iterator[Diagnosis]:
    """Judge the clock: by the newest moment that the store knows, and by what the kernel says of it."""
    if newest is not None and newest - now > APART:
        yield bad(
            "clock",
            f"this machine says {now:%Y-%m-%d %H:%M} UTC, and the store holds what happened at {newest:%Y-%m-%d %H:%M} UTC",
            "Set the clock before you send: links would expire and retries would wait by it.",
        )
    elif synchronised is None:
        yield unknown(
            "clock",
            f"it is {now:%Y-%m-%d %H:%M} UTC by this machine; whether that is kept in time is not known",
        )
    elif synchronised:
        yield good("clock", f"it is {now:%Y-%m-%d %H:%M} UTC, kept in time by the network")
    else:
        yield doubtful(
            "clock",
            f"it is {now:%Y-%m-%d %H:%M} UTC by this machine, and nothing keeps it in time",
            "Switch on systemd-timesyncd, chrony or another NTP client.",
        )
