"""Write the privacy statement, which tells a privacy officer what an issue reveals.

The texts are in data/statement.<language>.toml. A language without a file gets the English texts.
"""

import tomllib
from collections import Counter
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from functools import lru_cache
from importlib.resources import files
from typing import Any
from urllib.parse import parse_qsl

from moza_mail.check import hostnames, html_tree, privacy
from moza_mail.check.rule import CheckContext
from moza_mail.model.finding import Finding
from moza_mail.model.message import PLACEHOLDER

FALLBACK_LANGUAGE = "en"


@dataclass(frozen=True, slots=True, kw_only=True)
class LinkDestination:
    """A website that the mail links to, with the number of links and the parameters in them."""

    host: str
    link_count: int
    parameters: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class PrivacyStatement:
    """The privacy checks of an issue, and their results.

    fetched_hosts: hosts that are contacted when the mail is opened.
    tracking_pixels: the number of invisible images.
    personal_links: placeholders that differ per recipient.
    addresses: the addresses in mailto: and tel: links.
    applied_rules, disabled_rules: the names of the privacy rules.
    """

    title: str
    source: str
    date: str
    digest: str
    lang: str
    fetched_hosts: tuple[str, ...]
    tracking_pixels: int
    personal_links: tuple[str, ...]
    destinations: tuple[LinkDestination, ...]
    addresses: tuple[str, ...]
    attachments: tuple[str, ...]
    applied_rules: tuple[str, ...]
    disabled_rules: tuple[str, ...]
    findings: tuple[Finding, ...]

    def to_json(self) -> dict[str, Any]:
        """Return the statement as JSON values."""
        return asdict(self)

    def to_text(self) -> str:
        """Return the statement as text, in the language of its issue."""
        return _format_statement(self)


def build_statement(context: CheckContext, digest: str) -> PrivacyStatement:
    """Check the privacy of a mail and return the statement.

    digest: identifies the content of the mail.
    """
    off = context.options.disabled
    names = [rule.name for rule in privacy.RULES]
    targets = [target for _, target in html_tree.find_links(context.tree)]
    return PrivacyStatement(
        title=context.issue.title,
        source=context.issue.source,
        date=context.issue.date.isoformat(),
        digest=digest,
        lang=context.issue.lang,
        fetched_hosts=tuple(
            sorted({fetch.host for fetch in privacy.find_fetched_resources(context.tree)} - {""})
        ),
        tracking_pixels=sum(privacy.is_tracking_pixel(image) for image in context.tree.iter("img")),
        personal_links=tuple(
            sorted({*PLACEHOLDER.findall(context.rendered.html), *PLACEHOLDER.findall(context.rendered.text)})
        ),
        destinations=_count_destinations(targets),
        addresses=tuple(
            sorted(
                {
                    html_tree.normalize_text(target)
                    for target in targets
                    if target.lower().startswith(("mailto:", "tel:"))
                }
            )
        ),
        attachments=tuple(attachment.filename for attachment in context.rendered.attachments),
        applied_rules=tuple(name for name in names if name not in off),
        disabled_rules=tuple(name for name in names if name in off),
        findings=tuple(finding for finding in privacy.check(context) if finding.rule not in off),
    )


def _count_destinations(targets: list[str]) -> tuple[LinkDestination, ...]:
    counts: Counter[str] = Counter()
    parameters: dict[str, set[str]] = {}
    for target in targets:
        host = html_tree.normalize_text(hostnames.host_of(target))
        if not host or PLACEHOLDER.fullmatch(target):
            continue
        counts[host] += 1
        carried = parse_qsl(hostnames.split_url(target).query, keep_blank_values=True)
        parameters.setdefault(host, set()).update(
            html_tree.normalize_text(f"{name}={privacy.mask_local_parts(value)}")[: html_tree.MAX_QUOTE]
            for name, value in carried
        )
    return tuple(
        LinkDestination(host=host, link_count=counts[host], parameters=tuple(sorted(parameters[host])))
        for host in sorted(counts)
    )


def _format_statement(statement: PrivacyStatement) -> str:
    t = _StatementTexts(_load_texts(statement.lang))
    title = t("title", title=html_tree.normalize_text(statement.title))
    found = [f"{each.rule}: {each.message}" for each in statement.findings]
    parts = [
        f"{title}\n{'=' * len(title)}",
        t("about", source=statement.source, date=statement.date, digest=statement.digest),
        _format_chapter(t("reading"), _describe_fetches(statement, t)),
        _format_chapter(
            t("personal"),
            [t(f"slot_{name}", name=name) for name in statement.personal_links] or [t("no_personal")],
        ),
        _format_chapter(t("links"), _describe_links(statement, t)),
        _format_chapter(t("findings"), found or [t("no_findings")]),
        _format_chapter(t("checked"), _describe_rules(statement, t)),
        _format_chapter(t("not_checked"), t("limits").split("\n")),
    ]
    return "\n\n".join(parts)


class _StatementTexts:
    """The texts of one language by key. A key without a text uses the text `unnamed`."""

    def __init__(self, sentences: Mapping[str, str]) -> None:
        self.sentences = sentences

    def __call__(self, key: str, **values: str | int) -> str:
        sentence = self.sentences.get(key) or self.sentences["unnamed"]
        return sentence.format(**values).strip()


@lru_cache(maxsize=8)
def _load_texts(lang: str) -> Mapping[str, str]:
    folder = files("moza_mail.check").joinpath("data")
    known = {each.name for each in folder.iterdir()}
    name = f"statement.{lang.partition('-')[0].lower()}.toml"
    chosen = name if name in known else f"statement.{FALLBACK_LANGUAGE}.toml"
    return {
        key: str(value)
        for key, value in tomllib.loads(folder.joinpath(chosen).read_text(encoding="utf-8")).items()
    }


def _format_chapter(heading: str, lines: list[str]) -> str:
    return "\n".join([heading, "-" * len(heading), *(f"- {line}" for line in lines)])


def _describe_fetches(statement: PrivacyStatement, t: _StatementTexts) -> list[str]:
    asked = [t("asked", host=host) for host in statement.fetched_hosts] or [t("nothing_asked")]
    pixels = t("pixels", number=statement.tracking_pixels) if statement.tracking_pixels else t("no_pixels")
    carried = [t("attachment", name=name) for name in statement.attachments]
    return [*asked, pixels, *carried]


def _describe_links(statement: PrivacyStatement, t: _StatementTexts) -> list[str]:
    lines = [
        t(
            "with_parameters" if each.parameters else "without_parameters",
            host=each.host,
            links=t("one_link") if each.link_count == 1 else t("many_links", number=each.link_count),
            parameters=", ".join(each.parameters),
        )
        for each in statement.destinations
    ]
    lines += [t("address", address=address) for address in statement.addresses]
    return lines or [t("no_links")]


def _describe_rules(statement: PrivacyStatement, t: _StatementTexts) -> list[str]:
    done = [f"{name}: {t(f'rule_{name}')}" for name in statement.applied_rules]
    return [*done, *(f"{name}: {t('switched_off')}" for name in statement.disabled_rules)]
