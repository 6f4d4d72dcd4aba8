"""`moza-mail dkim`: make a key that signs messages, and show what to publish in the DNS. And the keys that `send` signs with."""

from pathlib import Path
from typing import Any

from moza_mail.app.prepare_issue import now
from moza_mail.cli import output
from moza_mail.compose import DkimKey, Kind, aligned, new_key, read_key
from moza_mail.errors import ProjectError
from moza_mail.model.mailing_list import MailingList
from moza_mail.project import Project, write_private_file


def signing_keys(project: Project, mailing_list: MailingList) -> tuple[DkimKey, ...]:
    """The keys that sign what goes to a list; none when the project has none, and then the relay has to.

    Raises ProjectError for a key that cannot be used, or whose domain says nothing about the list's sender.
    """
    config = project.config
    domain = config.dkim_domain or mailing_list.sender.domain
    wanted = (
        (Kind.RSA, *project.read_dkim_key(), "dkim_selector", config.dkim_selector),
        (
            Kind.ED25519,
            *project.read_dkim_ed25519_key(),
            "dkim_ed25519_selector",
            config.dkim_ed25519_selector,
        ),
    )
    found = []
    for kind, pem, named, setting, selector in wanted:
        if not named:
            continue
        if not selector:
            raise ProjectError(
                f"{named} is set, and `{setting}` is not: receivers would not know where the key is published",
                hint=f'Write {setting} = "..." in moza-mail.toml, as moza-mail dkim new has printed it.',
            )
        found.append(read_key(pem, kind, domain=domain, selector=selector, named=named))
    if len({key.record_name for key in found}) < len(found):
        raise ProjectError(
            "dkim_selector and dkim_ed25519_selector are the same, and one DNS record holds one key",
            hint="Make the second key with a selector of its own: moza-mail dkim new --ed25519 --selector NAME",
        )
    if found and aligned(found[0].domain, mailing_list.sender.domain) is False:
        raise ProjectError(
            f"dkim_domain: a signature of {found[0].domain} says nothing about mail from {mailing_list.sender.domain}",
            hint="Leave dkim_domain out, or make it the domain of the list's sender or one above it.",
        )
    return tuple(found)


def plan_line(keys: tuple[DkimKey, ...], sender_domain: str) -> str:
    """What the plan of `send` says about signing."""
    if not keys:
        return "  signed   not by us: the relay must sign with DKIM"
    selectors = " and ".join(f"{key.selector} ({key.kind})" for key in keys)
    doubt = (
        ""
        if aligned(keys[0].domain, sender_domain)
        else f"; ask whether {keys[0].domain} and {sender_domain} are one organisation for DMARC"
    )
    return f"  signed   by {keys[0].domain}, selector {selectors}{doubt}"


def as_data(keys: tuple[DkimKey, ...]) -> list[dict[str, str]]:
    """The keys that sign, as JSON values."""
    return [{"domain": key.domain, "selector": key.selector, "algorithm": key.algorithm} for key in keys]


def new(project: Project, wish: dict[str, str], out: Path | None, *, ed25519: bool, as_json: bool) -> None:
    """Make a key in a file that only its owner can read, and print its DNS record; `wish` may name selector and domain."""
    kind = Kind.ED25519 if ed25519 else Kind.RSA
    selector = wish["selector"] or f"moza{now():%Y%m}{'e' if ed25519 else ''}"
    domain = wish["domain"] or project.config.dkim_domain or _sender_domain(project)
    key, pem = new_key(kind, domain=domain, selector=selector)
    path = out or project.root / "subscribers" / f"dkim-{key.selector}.pem"
    write_private_file(path, pem)
    if as_json:
        output.give_json({**_record(key), "file": str(path)})
        return
    output.say(f"The key is in {path}. Keep it out of git, and in your backup.\n")
    _print(key)
    prefix = "dkim_ed25519" if ed25519 else "dkim"
    shown = path.relative_to(project.root) if path.is_relative_to(project.root) else path
    output.say(
        f"\n1. Have this record published in the DNS of {key.domain}.\n"
        f"2. See that it is there: dig +short TXT {key.record_name}\n"
        f"3. Then write in moza-mail.toml:\n"
        f'     {prefix}_key = "{shown}"\n'
        f'     {prefix}_selector = "{key.selector}"\n'
        "4. Send a test copy, and see that DKIM passes: moza-mail send ISSUE --test ADDRESS"
    )


def _sender_domain(project: Project) -> str:
    domains = {each.sender.domain for each in project.read_lists().values()}
    if len(domains) != 1:
        raise ProjectError(
            "the lists have senders of more than one domain, or there is no list", hint="Add --domain DOMAIN."
        )
    return domains.pop()


def show(project: Project, list_slug: str, *, as_json: bool) -> None:
    """Print the DNS records of the keys that are set; raise ProjectError when none is."""
    keys = signing_keys(project, project.read_list(list_slug))
    if not keys:
        raise ProjectError("no key is set: `dkim_key` is empty", hint="Make one with: moza-mail dkim new")
    if as_json:
        output.give_json([_record(key) for key in keys])
        return
    for key in keys:
        _print(key)


def _record(key: DkimKey) -> dict[str, Any]:
    return {
        "domain": key.domain,
        "selector": key.selector,
        "algorithm": key.algorithm,
        "name": key.record_name,
        "type": "TXT",
        "value": key.record,
        "zone": key.zone_line,
    }


def _print(key: DkimKey) -> None:
    """The record for a form that asks for name and value, and as a line for who keeps a zone file."""
    output.give(f"name   {key.record_name}")
    output.give("type   TXT")
    output.give(f"value  {key.record}")
    output.give("zone file:")
    output.give(key.zone_line)
