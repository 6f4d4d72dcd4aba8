"""Load the DKIM keys that sign a list's mail, and make new keys."""

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from moza_mail.compose import DkimKey, KeyType, generate_key, is_aligned, load_key
from moza_mail.errors import ProjectError
from moza_mail.i18n import gettext as _
from moza_mail.model.mailing_list import MailingList
from moza_mail.project import Project, write_private_file


def load_signing_keys(project: Project, mailing_list: MailingList) -> tuple[DkimKey, ...]:
    """Return the keys that sign a list's mail; empty if no key is set, so the relay must sign.

    Raises ProjectError for a key that cannot be used, or whose domain does not match the list's sender.
    """
    config = project.config
    domain = config.dkim_domain or mailing_list.sender.domain
    configured = (
        (KeyType.RSA, *project.read_dkim_key(), "dkim_selector", config.dkim_selector),
        (
            KeyType.ED25519,
            *project.read_dkim_ed25519_key(),
            "dkim_ed25519_selector",
            config.dkim_ed25519_selector,
        ),
    )
    keys = []
    for kind, pem, origin, setting, selector in configured:
        if not origin:
            continue
        if not selector:
            raise ProjectError(
                _(
                    "{origin} is set but `{setting}` is not, so receivers cannot find the public key",
                    origin=origin,
                    setting=setting,
                ),
                hint=_(
                    'Write {setting} = "..." in moza-mail.toml, as printed by: moza-mail dkim new',
                    setting=setting,
                ),
            )
        keys.append(load_key(pem, kind, domain=domain, selector=selector, source=origin))
    if len({key.record_name for key in keys}) < len(keys):
        raise ProjectError(
            _("`dkim_selector` and `dkim_ed25519_selector` are the same, but a DNS record holds one key"),
            hint=_("Make the second key with another selector: moza-mail dkim new --ed25519 --selector NAME"),
        )
    if keys and is_aligned(keys[0].domain, mailing_list.sender.domain) is False:
        raise ProjectError(
            _(
                "`dkim_domain`: a signature of {domain} does not count for mail from {sender_domain}",
                domain=keys[0].domain,
                sender_domain=mailing_list.sender.domain,
            ),
            hint=_("Leave dkim_domain out, or set it to the domain of the list's sender or a parent of it."),
        )
    return tuple(keys)


def signing_as_data(keys: tuple[DkimKey, ...]) -> list[dict[str, str]]:
    """Return signing keys as JSON values, without their private parts."""
    return [{"domain": key.domain, "selector": key.selector, "algorithm": key.algorithm} for key in keys]


def describe_record(key: DkimKey) -> str:
    """Return the DNS record of a key, as fields for a web form and as a line for a zone file."""
    return f"name   {key.record_name}\ntype   TXT\nvalue  {key.record}\nzone file:\n{key.zone_line}"


def record_as_data(key: DkimKey) -> dict[str, Any]:
    """Return the DNS record of a key, as JSON values."""
    return {
        "domain": key.domain,
        "selector": key.selector,
        "algorithm": key.algorithm,
        "name": key.record_name,
        "type": "TXT",
        "value": key.record,
        "zone": key.zone_line,
    }


@dataclass(frozen=True, slots=True, kw_only=True)
class NewKeyOptions:
    """Options for a new key. Defaults for empty options follow from the project and the date."""

    selector: str = ""
    domain: str = ""
    ed25519: bool = False
    path: Path | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CreatedKey:
    """A new key, the file with its private part, and the settings that put it into use."""

    key: DkimKey
    path: Path
    settings: dict[str, str]


def create_key(project: Project, options: NewKeyOptions, *, now: datetime) -> CreatedKey:
    """Make a key and write its private part to a new file that only its owner can read."""
    suffix = "e" if options.ed25519 else ""
    key, pem = generate_key(
        KeyType.ED25519 if options.ed25519 else KeyType.RSA,
        domain=options.domain or project.config.dkim_domain or _find_sender_domain(project),
        selector=options.selector or f"moza{now:%Y%m}{suffix}",
    )
    path = options.path or project.root / "subscribers" / f"dkim-{key.selector}.pem"
    write_private_file(path, pem)
    name = "dkim_ed25519" if options.ed25519 else "dkim"
    written = path.relative_to(project.root) if path.is_relative_to(project.root) else path
    return CreatedKey(
        key=key, path=path, settings={f"{name}_key": str(written), f"{name}_selector": key.selector}
    )


def _find_sender_domain(project: Project) -> str:
    domains = {each.sender.domain for each in project.read_lists().values()}
    if len(domains) != 1:
        raise ProjectError(
            _("the project has no list, or its lists have senders of different domains"),
            hint=_("Name the domain: --domain DOMAIN"),
        )
    return domains.pop()


def describe_signing(keys: tuple[DkimKey, ...], sender_domain: str) -> str:
    """Return the line of a plan about DKIM: the signing keys, and any doubt about alignment.

    keys: empty if the relay signs.
    sender_domain: the domain in the From address of the mail.
    """
    if not keys:
        return _("  DKIM     not signed here; the relay must sign")
    selectors = " + ".join(f"{key.selector} ({key.key_type})" for key in keys)
    domain = keys[0].domain
    line = _("  DKIM     signed by {domain}, selector {selectors}", domain=domain, selectors=selectors)
    if is_aligned(domain, sender_domain):
        return line
    return _(
        "{line}; check that {domain} and {sender_domain} are one organisation for DMARC",
        line=line,
        domain=domain,
        sender_domain=sender_domain,
    )
