"""`moza-mail doctor`: whether all is well with the settings, this machine, the store, the relay and the sender's domain."""

import ctypes
import os
import shutil
from collections.abc import AsyncIterator, Iterator
from dataclasses import asdict
from pathlib import Path

from moza_mail import dns_check
from moza_mail.app import clock, open_project, prepare_issue, signing
from moza_mail.app import doctor as judging
from moza_mail.app.render_issue import example_recipient as example_reader
from moza_mail.cli import output
from moza_mail.cli.run import run_async
from moza_mail.compose import DkimKey
from moza_mail.errors import MozaMailError, TransportError
from moza_mail.model.health import Diagnosis, FileSeen, State, StoreStatus, bad, doubtful, good, unknown
from moza_mail.model.mailing_list import MailingList
from moza_mail.project import Project
from moza_mail.store import inspect_store
from moza_mail.transport import find_outbox_problem, probe_relay

MARKS = {State.GOOD: "ok", State.DOUBTFUL: "look", State.BAD: "wrong", State.UNKNOWN: "?"}
TITLES = {
    "config": "Settings",
    "files": "Secrets",
    "clock": "Clock",
    "store": "Store",
    "relay": "Relay",
    "domain": "Domain",
}
NAMES = {
    "spf": "SPF",
    "dkim": "DKIM",
    "dmarc": "DMARC",
    "mx": "MX",
    "dnssec": "DNSSEC",
    "ipv6": "IPv6",
    "dane": "DANE",
}
# adjtimex(2): the clock is not kept in time; and room enough for its structure on every system.
ERROR, ROOM = 5, 512


def doctor(project: Project, resolver: str, *, offline: bool, as_json: bool) -> int:
    """Look at everything and say what to do; give 3 when something is bad."""
    return run_async(lambda: _doctor(project, resolver, offline=offline, as_json=as_json))


async def _doctor(project: Project, resolver: str, *, offline: bool, as_json: bool) -> int:
    dns = None if offline else dns_check.DnsResolver(resolver)
    found = []
    told = ""
    async for one in _all(project, dns):
        found.append(one)
        if not as_json:
            told = _tell(one, told)
    if as_json:
        output.give_json([asdict(one) for one in found])
    count = {state: sum(one.state is state for one in found) for state in State}
    output.say(
        f"\n{count[State.GOOD]} ok, {count[State.DOUBTFUL]} to inspect_store at, {count[State.BAD]} wrong, "
        f"{count[State.UNKNOWN]} not known."
    )
    return output.NEEDS_ATTENTION if count[State.BAD] else 0


def _tell(one: Diagnosis, told: str) -> str:
    """Print one, below a heading when it is of another part than the last; give that heading."""
    head = f"Domain {one.domain}" if one.domain else TITLES.get(one.subject, one.subject)
    if head != told:
        output.give(f"{'' if not told else chr(10)}{head}")
    named = f"{NAMES.get(one.subject, one.subject)}: " if one.domain else ""
    output.give(f"  {MARKS[one.state]:<6}{named}{one.says}")
    if one.remedy:
        output.give(f"        {one.remedy}")
    if one.record:
        output.give(f"        {one.record}")
    return head


async def _all(project: Project, dns: dns_check.DnsResolver | None) -> AsyncIterator[Diagnosis]:
    """Every diagnosis, as soon as it is there."""
    lists = project.read_lists()
    keys: dict[str, tuple[DkimKey, ...]] = {}
    for one in _settings(project, lists, keys):
        yield one
    seen = None
    try:
        seen = await inspect_store(project.store_url())
    except MozaMailError as error:
        yield bad("store", error.message, error.hint)
    for one in judging.judge_files(_private(project, seen)):
        yield one
    newest = seen.newest if seen else None
    for one in judging.judge_clock(clock.now(), newest, synchronised=_synchronised()):
        yield one
    if seen:
        for one in judging.judge_store(seen, free=_free(project, seen)):
            yield one
    async for one in _relay(project, keys):
        yield one
    if dns is None:
        yield unknown("domain", "the DNS was not asked (--offline)")
        return
    async for one in _domains(project, lists, keys, dns):
        yield one


def _settings(
    project: Project, lists: dict[str, MailingList], keys: dict[str, tuple[DkimKey, ...]]
) -> Iterator[Diagnosis]:
    """Whether the settings fit together; fills in each list's keys."""
    config = project.config
    yield good(
        "config", f"{project.root}: {len(lists)} list{'' if len(lists) == 1 else 's'} ({', '.join(lists)})"
    )
    for slug, mailing_list in lists.items():
        try:
            project.read_theme(mailing_list.theme or config.theme)
            keys[slug] = signing.load_signing_keys(project, mailing_list)
        except MozaMailError as error:
            yield bad("config", error.message, error.hint)
    if config.default_list and config.default_list not in lists:
        yield bad(
            "config",
            f"default_list is {config.default_list}, and there is no such list",
            "Mend default_list.",
        )
    if not config.public_url:
        yield doubtful(
            "config",
            "public_url is not set, so no message carries a link to unsubscribe, which Gmail, Yahoo and the law ask for",
            "Run moza-mail serve, and set public_url to where it is reached (docs/operate.md).",
        )
    elif not config.public_url.startswith("https://"):
        yield doubtful(
            "config",
            f"public_url ({config.public_url}) is not https, and one-click unsubscription asks for it (RFC 8058 3.1)",
            "Put a reverse proxy with a certificate before moza-mail serve.",
        )
    if not config.view_url:
        yield good("config", 'view_url is not set, so mails have no "Lees online"')


def _private(project: Project, seen: StoreStatus | None) -> list[FileSeen]:
    """What only its owner may read, with its permissions."""
    found = project.find_private_files()
    if seen and seen.path:
        sides = (seen.path, *(seen.path.with_name(f"{seen.path.name}{end}") for end in ("-wal", "-shm")))
        found += [("the store", path) for path in sides if path.is_file()]
    shown = []
    for named, path in found:
        status = path.stat()
        ours = status.st_uid in {os.geteuid(), 0}
        shown.append(FileSeen(named=named, path=path, mode=status.st_mode, ours=ours))
    return shown


def _free(project: Project, seen: StoreStatus) -> int | None:
    """What is left on the disk of the store's file."""
    if seen.path is None:
        return None
    nearest = next((each for each in seen.path.parents if each.is_dir()), project.root)
    return shutil.disk_usage(nearest).free


def _synchronised() -> bool | None:
    """Whether the kernel says that the network keeps its clock in time (adjtimex); None where it does not tell."""
    if Path("/run/systemd/timesync/synchronized").exists():
        return True
    try:
        state = ctypes.CDLL(None, use_errno=True).adjtimex(ctypes.create_string_buffer(ROOM))
    except (AttributeError, OSError):
        return None
    return None if state < 0 else state != ERROR


async def _relay(project: Project, keys: dict[str, tuple[DkimKey, ...]]) -> AsyncIterator[Diagnosis]:
    config = project.config
    if config.relay.partition(":")[0].lower() == "outbox":
        if problem := find_outbox_problem(config.relay, project.root):
            yield bad("relay", problem, "Make the folder writable, or name another one.")
        yield doubtful(
            "relay",
            f"relay is {config.relay}: messages go to a folder, and nobody is mailed",
            "Name a real relay when you are ready (docs/configuration.md).",
        )
        return
    try:
        seen = await probe_relay(config.relay, open_project.relay_access(project))
    except MozaMailError as error:
        hint = (
            "Mend this before you send: nothing reaches a reader."
            if isinstance(error, TransportError)
            else error.hint
        )
        yield bad("relay", error.message, hint)
        return
    wants = judging.RelayRequirements(
        size=_size(project, keys), reports=bool(config.dsn_notify), smtputf8=config.smtputf8
    )
    for one in judging.judge_relay(seen, wants, now=clock.now()):
        yield one


def _size(project: Project, keys: dict[str, tuple[DkimKey, ...]]) -> int:
    """The size of a message of the newest issue, 0 when there is none that can be made. Nothing is written for it."""
    path = prepare_issue.find_newest_issue(project)
    if path is None or not any(named == "the secret" for named, _ in project.find_private_files()):
        return 0
    try:
        dressed = prepare_issue.prepare_issue(project, str(path))
        signed = keys.get(dressed.mailing_list.slug, ())
        message = dressed.compile(dressed.draft_mailing(), keys=signed).compose_message(
            example_reader(dressed.rendered)
        )[1]
    except MozaMailError:
        return 0
    return len(message.content)


async def _domains(
    project: Project,
    lists: dict[str, MailingList],
    keys: dict[str, tuple[DkimKey, ...]],
    dns: dns_check.DnsResolver,
) -> AsyncIterator[Diagnosis]:
    """What the DNS says of each sender's domain, once for lists that share one."""
    senders = {}
    for slug, mailing_list in lists.items():
        signing = keys.get(slug, ())
        senders[mailing_list.sender.domain] = dns_check.SenderDomain(
            domain=mailing_list.sender.domain,
            return_path=project.config.bounce_domain,
            signing_domain=project.config.dkim_domain,
            keys=tuple(
                dns_check.ExpectedKey(
                    record_name=key.record_name,
                    key_type=key.key_type.value,
                    public_key=key.public_key,
                    zone_line=key.zone_line,
                )
                for key in signing
            ),
        )
    for sender in senders.values():
        for one in await dns_check.check_domain(dns.look_up, sender):
            yield one
