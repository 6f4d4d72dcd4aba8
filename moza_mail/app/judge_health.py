"""Diagnose the relay, the store, the secret files and the clock from observations. Pure."""

import stat
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from moza_mail.i18n import Translatable, ngettext
from moza_mail.i18n import gettext as _
from moza_mail.model.audit_seal import AuditCheck
from moza_mail.model.health import (
    AddressRefusal,
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
# A mailing to 100,000 recipients writes 100,000 rows of some 300 bytes, each three times.
LOW_SPACE, VERY_LOW_SPACE = 1000 * MEGABYTE, 100 * MEGABYTE
# Certificates that are renewed automatically are renewed a month before they expire.
CERTIFICATE_MARGIN = timedelta(days=14)
# The clocks of one organisation differ less than this.
CLOCK_TOLERANCE = timedelta(minutes=5)
OTHER_USERS = stat.S_IRWXG | stat.S_IRWXO

MAX_NAMES = 40
"""The largest number of extensions in a report. A relay has about ten."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RelayRequirements:
    """Features of the project's mail that the relay must support.

    size: the size of the newest issue's message in bytes; 0 if unknown.
    reports: True if delivery reports are requested (DSN).
    smtputf8: True if addresses with non-ASCII characters are used.
    """

    size: int = 0
    reports: bool = False
    smtputf8: bool = False


def judge_relay(seen: RelayStatus, needs: RelayRequirements, *, now: datetime) -> Iterator[Diagnosis]:
    """Judge a relay by its connection, its certificate and its extensions."""
    security = f", {seen.tls}" if seen.tls else _(", without TLS")
    login = _(" and accepts our login") if seen.logged_in else ""
    yield good(
        "relay",
        _(
            "{relay} answers{security}{login}; no mail was sent",
            relay=seen.relay,
            security=security,
            login=login,
        ),
    )
    if seen.certificate_ends is not None:
        yield _judge_certificate(seen.certificate_ends - now, seen.certificate_ends)
    yield from _judge_extensions(seen, needs)
    yield from map(_judge_refusal, seen.refusals)


def _judge_certificate(left: timedelta, ends: datetime) -> Diagnosis:
    days = ngettext("{count} day", "{count} days", left.days) if left.days >= 1 else _("less than a day")
    says = _("its certificate expires on {date}, in {days}", date=str(ends.date()), days=days)
    if left < CERTIFICATE_MARGIN:
        return doubtful(
            "relay",
            says,
            _(
                "Ask the operator of the relay to renew the certificate. After that date, nothing can be sent."
            ),
        )
    return good("relay", says)


def _judge_refusal(refusal: AddressRefusal) -> Diagnosis:
    if refusal.is_sender:
        return bad(
            "relay",
            _("it refuses mail from {address}: {reply}", address=str(refusal.address), reply=refusal.reply),
            _("Ask the operator of the relay to accept this sender; until then nothing is sent."),
        )
    return doubtful(
        "relay",
        _("it refuses mail to {address}: {reply}", address=str(refusal.address), reply=refusal.reply),
        _("Make sure that this address exists: replies to the newsletter go there."),
    )


def _judge_extensions(seen: RelayStatus, needs: RelayRequirements) -> Iterator[Diagnosis]:
    """Judge the SMTP extensions that moza-mail uses (RFC 2920, 1870, 3461, 6531)."""
    offered = seen.extensions
    names = ", ".join(sorted(name.upper() for name in offered)[:MAX_NAMES]) or _("nothing")
    if "pipelining" not in offered:
        yield doubtful(
            "relay",
            _(
                "it does not offer PIPELINING, so each message takes several round trips (it offers {names})",
                names=names,
            ),
            _("Ask the operator of the relay. The mail itself is not affected."),
        )
    limit = size_limit(offered.get("size", ""))
    if limit is not None and limit < needs.size:
        yield bad(
            "relay",
            _(
                "it accepts messages of at most {limit} bytes, but a message of the newest issue has {size}",
                limit=limit,
                size=needs.size,
            ),
            _("Make its images smaller or link them (asset_url), or ask for a higher limit."),
        )
    if needs.reports and "dsn" not in offered:
        yield doubtful(
            "relay",
            _("it does not offer DSN, so bounces come in the relay's own format, if at all"),
            _('You can still process bounces. To stop asking for DSN, write dsn = "off".'),
        )
    if needs.smtputf8 and "smtputf8" not in offered:
        yield bad(
            "relay",
            _("`smtputf8` is set but the relay does not offer it, so it refuses non-ASCII addresses"),
            _("Set smtputf8 = false, or use a relay that offers it."),
        )
    if "pipelining" in offered:
        yield good("relay", _("it offers {names}", names=names))


STANDBY_HINT = _(
    "Set synchronous_standby_names on the server, so that each commit waits for a standby (docs/scale.md)."
)


def describe_standbys(count: int) -> Translatable:
    """Return the warning that a failover to a standby server may lose commits.

    count: the number of standby servers.
    """
    return ngettext(
        "the database has a standby server and does not commit synchronously, so after a failover recipients may be uncertain or mailed twice",
        "the database has {count} standby servers and does not commit synchronously, so after a failover recipients may be uncertain or mailed twice",
        count,
    )


def judge_store(seen: StoreStatus, *, free: int | None) -> Iterator[Diagnosis]:
    """Judge the state of a store, its audit log and its free space.

    free: the free space on the store's disk in bytes; None if the store is on a server.
    """
    name = str(seen.path or "the database")
    if not seen.exists:
        yield good("store", _("{name} does not exist yet; it is created on first use", name=name))
    elif seen.damage:
        yield bad(
            "store",
            _("{name} is damaged: {damage}", name=name, damage=seen.damage),
            _(
                "Send nothing. Keep a copy of the damaged file, and restore the newest backup (docs/operate.md)."
            ),
        )
    elif seen.schema > seen.known_schema:
        yield bad(
            "store",
            _(
                "{name} was written by a newer moza-mail (its tables have version {schema}; this moza-mail supports {known_schema})",
                name=name,
                schema=seen.schema,
                known_schema=seen.known_schema,
            ),
            _("Install the newer moza-mail."),
        )
    elif seen.schema < seen.known_schema:
        yield good(
            "store",
            _(
                "{name} has version {schema}; the next command that uses it upgrades it to {known_schema}",
                name=name,
                schema=seen.schema,
                known_schema=seen.known_schema,
            ),
        )
    else:
        yield good(
            "store",
            _(
                "{name} is intact and has the current version ({known_schema})",
                name=name,
                known_schema=seen.known_schema,
            ),
        )
    if seen.unsafe_standbys:
        yield doubtful("store", describe_standbys(seen.unsafe_standbys), STANDBY_HINT)
    if seen.audit_check is not None:
        yield _judge_audit_log(seen.audit_check)
    if free is not None:
        yield _judge_disk(free)


def _judge_audit_log(check: AuditCheck) -> Diagnosis:
    if check.is_intact:
        return good("store", check.describe())
    problems = "; ".join(problem.describe() for problem in check.problems)
    return bad(
        "store",
        _("the audit log was changed by another program: {problems}", problems=problems),
        _("Find out who did it. See all problems: moza-mail privacy audit --verify (docs/privacy.md)"),
    )


def _judge_disk(free: int) -> Diagnosis:
    says = _("its disk has {gigabytes} GB of free space", gigabytes=f"{free / (1000 * MEGABYTE):.1f}")
    if free < VERY_LOW_SPACE:
        return bad(
            "store", says, _("Free some space first: a mailing stops if the ledger cannot be written.")
        )
    if free < LOW_SPACE:
        return doubtful("store", says, _("Free some space before a large mailing."))
    return good("store", says)


def judge_files(seen: Sequence[FilePermissions]) -> Iterator[Diagnosis]:
    """Judge the permissions of the secret files."""
    for file in seen:
        mode = f"{stat.S_IMODE(file.mode):04o}"
        if file.mode & OTHER_USERS:
            yield bad(
                "files",
                _(
                    "{name} ({path}) can be read by other users (mode {mode})",
                    name=file.name,
                    path=str(file.path),
                    mode=mode,
                ),
                _("Type: chmod 600 {path}", path=str(file.path)),
            )
        elif not file.is_owned:
            yield doubtful(
                "files",
                _("{name} ({path}) belongs to another user", name=file.name, path=str(file.path)),
                _("Type: chown $USER {path}", path=str(file.path)),
            )
    if seen and all(file.is_owned and not file.mode & OTHER_USERS for file in seen):
        names = ", ".join(dict.fromkeys(file.name for file in seen))
        yield good("files", _("only their owner can read: {names}", names=names))


def judge_clock(now: datetime, newest: datetime | None, *, synchronised: bool | None) -> Iterator[Diagnosis]:
    """Judge if the clock is right.

    newest: the newest time in the store; None if unknown. The clock is wrong if it is well behind this time.
    synchronised: True if the kernel reports a synchronised clock; None if unknown.
    """
    shown = f"{now:%Y-%m-%d %H:%M} UTC"
    if newest is not None and newest - now > CLOCK_TOLERANCE:
        yield bad(
            "clock",
            _(
                "this machine's clock says {shown}, but the store has an entry of {newest} UTC",
                shown=shown,
                newest=f"{newest:%Y-%m-%d %H:%M}",
            ),
            _(
                "Set the clock before you send. With a wrong clock, links expire and retries start at the wrong time."
            ),
        )
    elif synchronised is None:
        yield unknown(
            "clock",
            _("this machine's clock says {shown}; it is unknown whether it is synchronised", shown=shown),
        )
    elif synchronised:
        yield good(
            "clock", _("this machine's clock says {shown}, synchronised over the network", shown=shown)
        )
    else:
        yield doubtful(
            "clock",
            _("this machine's clock says {shown}, and is not synchronised", shown=shown),
            _("Switch on systemd-timesyncd, chrony or another NTP client."),
        )
