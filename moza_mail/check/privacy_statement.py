"""The privacy statement: what one issue gives away about its readers, in words for a privacy officer.

Its sentences are in data/statement.<language>.toml; English stands in for a language that has none.
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
from moza_mail.model.message import SLOT

FALLBACK = "en"


@dataclass(frozen=True, slots=True, kw_only=True)
class Destination:
    """A site that links of the mail lead to: its host, how many links, and the parameters that they carry."""

    host: str
    links: int
    parameters: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class PrivacyStatement:
    """What was looked at in an issue, and what was found.

    `asked` are the hosts that are asked when the mail is read, `pixels` the number of images that cannot be seen,
    `personal` the slots that differ from reader to reader, `addresses` those of mailto: and tel: links. `checked` and
    `unchecked` name the rules of the family; a rule is unchecked when the project has switched it off.
    """

    title: str
    source: str
    date: str
    digest: str
    lang: str
    asked: tuple[str, ...]
    pixels: int
    personal: tuple[str, ...]
    destinations: tuple[Destination, ...]
    addresses: tuple[str, ...]
    attachments: tuple[str, ...]
    checked: tuple[str, ...]
    unchecked: tuple[str, ...]
    findings: tuple[Finding, ...]

    def as_data(self) -> dict[str, Any]:
        """The statement as JSON values."""
        return asdict(self)

    def as_text(self) -> str:
        """The statement as it is printed, in the language of its issue."""
        return _text(self)


def state(case: CheckContext, digest: str) -> PrivacyStatement:
    """Look at a mail for its privacy alone; `digest` is what its content is known by."""
    off = case.options.disabled
    names = [rule.name for rule in privacy.RULES]
    targets = [target for _, target in html_tree.links(case.tree)]
    return PrivacyStatement(
        title=case.issue.title,
        source=case.issue.source,
        date=case.issue.date.isoformat(),
        digest=digest,
        lang=case.issue.lang,
        asked=tuple(sorted({fetch.host for fetch in privacy.fetches(case.tree)} - {""})),
        pixels=sum(privacy.is_pixel(image) for image in case.tree.iter("img")),
        personal=tuple(sorted({*SLOT.findall(case.rendered.html), *SLOT.findall(case.rendered.text)})),
        destinations=_destinations(targets),
        addresses=tuple(
            sorted(
                {
                    html_tree.words(target)
                    for target in targets
                    if target.lower().startswith(("mailto:", "tel:"))
                }
            )
        ),
        attachments=tuple(attachment.filename for attachment in case.rendered.attachments),
        checked=tuple(name for name in names if name not in off),
        unchecked=tuple(name for name in names if name in off),
        findings=tuple(finding for finding in privacy.judge(case) if finding.rule not in off),
    )


def _destinations(targets: list[str]) -> tuple[Destination, ...]:
    counts: Counter[str] = Counter()
    parameters: dict[str, set[str]] = {}
    for target in targets:
        host = html_tree.words(hostnames.host(target))
        if not host or SLOT.fullmatch(target):
            continue
        counts[host] += 1
        carried = parse_qsl(html_tree.split(target).query, keep_blank_values=True)
        parameters.setdefault(host, set()).update(
            html_tree.words(f"{name}={privacy.masked(value)}")[: html_tree.SHOWN] for name, value in carried
        )
    return tuple(
        Destination(host=host, links=counts[host], parameters=tuple(sorted(parameters[host])))
        for host in sorted(counts)
    )


def _text(statement: PrivacyStatement) -> str:
    t = _Words(_sentences(statement.lang))
    title = t("title", title=html_tree.words(statement.title))
    found = [f"{each.rule}: {each.message}" for each in statement.findings]
    parts = [
        f"{title}\n{'=' * len(title)}",
        t("about", source=statement.source, date=statement.date, digest=statement.digest),
        _chapter(t("reading"), _when_read(statement, t)),
        _chapter(
            t("personal"), [t(f"slot_{name}", name=name) for name in statement.personal] or [t("no_personal")]
        ),
        _chapter(t("links"), _links(statement, t)),
        _chapter(t("findings"), found or [t("no_findings")]),
        _chapter(t("checked"), _checked(statement, t)),
        _chapter(t("not_checked"), t("limits").split("\n")),
    ]
    return "\n\n".join(parts)


class _Words:
    """A language's sentences by key; one that is missing says its key."""

    def __init__(self, sentences: Mapping[str, str]) -> None:
        self.sentences = sentences

    def __call__(self, key: str, **values: str | int) -> str:
        sentence = self.sentences.get(key) or self.sentences["unnamed"]
        return sentence.format(**values).strip()


@lru_cache(maxsize=8)
def _sentences(lang: str) -> Mapping[str, str]:
    folder = files("moza_mail.check").joinpath("data")
    known = {each.name for each in folder.iterdir()}
    name = f"statement.{lang.partition('-')[0].lower()}.toml"
    chosen = name if name in known else f"statement.{FALLBACK}.toml"
    return {
        key: str(value)
        for key, value in tomllib.loads(folder.joinpath(chosen).read_text(encoding="utf-8")).items()
    }


def _chapter(heading: str, lines: list[str]) -> str:
    return "\n".join([heading, "-" * len(heading), *(f"- {line}" for line in lines)])


def _when_read(statement: PrivacyStatement, t: _Words) -> list[str]:
    asked = [t("asked", host=host) for host in statement.asked] or [t("nothing_asked")]
    pixels = t("pixels", number=statement.pixels) if statement.pixels else t("no_pixels")
    carried = [t("attachment", name=name) for name in statement.attachments]
    return [*asked, pixels, *carried]


def _links(statement: PrivacyStatement, t: _Words) -> list[str]:
    lines = [
        t(
            "with_parameters" if each.parameters else "without_parameters",
            host=each.host,
            links=t("one_link") if each.links == 1 else t("many_links", number=each.links),
            parameters=", ".join(each.parameters),
        )
        for each in statement.destinations
    ]
    lines += [t("address", address=address) for address in statement.addresses]
    return lines or [t("no_links")]


def _checked(statement: PrivacyStatement, t: _Words) -> list[str]:
    done = [f"{name}: {t(f'rule_{name}')}" for name in statement.checked]
    return [*done, *(f"{name}: {t('switched_off')}" for name in statement.unchecked)]
