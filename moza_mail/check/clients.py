"""Rules on mail programs: whether they can show what a mail needs, by the tests of Can I email.

A client's newest tested version counts: yes is 1, partly is a half (1 when none of its notes is about the mail), no is 0. What a
reader misses nothing by lacking is no need: data/clients.toml says why, feature by feature. What stands in style blocks is a
need only when the mail looks otherwise without them. Nothing is tested here: a client may have changed since the data's date,
and Outlook's way of laying out is more than a list of features.
"""

import json
import re
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files
from typing import Any

from moza_mail.check import html_tree
from moza_mail.check.computed_style import compute_styles
from moza_mail.check.features import Use, depends_on_style_blocks, used
from moza_mail.check.rule import CheckContext, Rule, RuleCategory
from moza_mail.errors import ProjectError
from moza_mail.i18n import gettext as _
from moza_mail.model.finding import Finding, Severity

UNSUPPORTED = Rule(name="client-support", category=RuleCategory.CLIENTS, severity=Severity.WARNING)
SCORE = Rule(name="client-score", category=RuleCategory.CLIENTS, severity=Severity.INFO)

RULES = (UNSUPPORTED, SCORE)

LEVELS = {"y": 1.0, "a": 0.5, "n": 0.0}
NAMED = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class Support:
    """What one client does with a feature: `level` is y, a, n or u, `notes` the numbers of its notes."""

    level: str
    notes: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Data:
    """Can I email, as far as we have it: `clients` by what they are called, `support` by feature and client."""

    date: str
    clients: Mapping[str, str]
    titles: Mapping[str, str]
    support: Mapping[str, Mapping[str, Support]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """How the data is read for mail of our own: data/clients.toml."""

    default: tuple[str, ...]
    enhancement: Mapping[str, Mapping[str, str]]
    notes: Mapping[str, Mapping[str, str]]


@lru_cache(maxsize=1)
def data() -> Data:
    """The data, read on first use."""
    raw = json.loads(_file("caniemail.json"))
    clients = raw["clients"]
    support = {
        slug: {client: _support(token) for client, token in zip(clients, tokens.split(" "), strict=True)}
        for slug, _, tokens in raw["features"]
    }
    titles = {slug: title for slug, title, _ in raw["features"]}
    return Data(date=raw["date"], clients=clients, titles=titles, support=support)


@lru_cache(maxsize=1)
def reading() -> Reading:
    """What a mail may lack, and which notes are about what; read on first use."""
    raw = tomllib.loads(_file("clients.toml"))
    return Reading(default=tuple(raw["default"]), enhancement=raw["enhancement"], notes=raw["notes"])


def _file(name: str) -> str:
    return files("moza_mail.check").joinpath("data", name).read_text(encoding="utf-8")


@lru_cache(maxsize=512)
def _support(token: str) -> Support:
    return Support(level=token[0], notes=tuple(filter(None, token[1:].split("."))))


def judge(case: CheckContext) -> Iterator[Finding]:
    """What the mail programs cannot show; raise ProjectError for one that is not known."""
    clients = _clients(case.options.clients)
    needs = _needs(case)
    for slug, use in needs.items():
        lacking = [client for client in clients if level(slug, client, use) == 0]
        if lacking:
            yield _unsupported(case, slug, use, lacking)
    yield from _score(case, needs, clients)


def _clients(wanted: tuple[str, ...]) -> tuple[str, ...]:
    known = data().clients
    for client in wanted:
        if client not in known:
            raise ProjectError(
                f"[check] clients names {client!r}, which is no mail program that we know",
                hint=f"Choose from: {', '.join(sorted(known))}.",
            )
    return wanted or reading().default


def _needs(case: CheckContext) -> dict[str, Use]:
    """What a reader would miss something by, each with those of its uses for which that holds."""
    leans = depends_on_style_blocks(case.light_styles, compute_styles(case.tree, style_blocks=False))
    needs = {}
    for slug, use in used(case.tree, frozenset(data().support)).items():
        uses = use.needed | (use.blocks if leans else set())
        spared = reading().enhancement.get(slug)
        if spared and not (slug == "html-style" and leans):
            only = spared.get("only")
            uses = {each for each in uses if not re.search(only, each)} if only else set()
        if uses:
            needs[slug] = Use(needed=uses, count=use.count, first=use.first or "style")
    return needs


def level(slug: str, client: str, use: Use) -> float | None:
    """How far a client does what the mail needs, 0 to 1; None when that is not known."""
    support = data().support[slug][client]
    level = LEVELS.get(support.level)
    about = reading().notes.get(slug, {})
    if level is None or level == 1 or not support.notes:
        return level
    told = [about.get(note) for note in support.notes]
    applies = any(pattern is None or any(re.search(pattern, each) for each in use.needed) for pattern in told)
    return level if applies else 1.0


def _unsupported(case: CheckContext, slug: str, use: Use, lacking: list[str]) -> Finding:
    names = [data().clients[client] for client in lacking]
    programs: str = ", ".join(names[:NAMED])
    if len(names) > NAMED:
        programs = _("{programs} and {count} more", programs=programs, count=len(names) - NAMED)
    return UNSUPPORTED.report(
        case,
        html_tree.line_of(
            case, *(f"]({found})" for found in _anchors(case.tree) if slug == "html-anchor-links")
        ),
        _(
            "{feature} (on <{tag}>) does nothing in {programs}",
            feature=data().titles[slug],
            tag=use.first,
            programs=programs,
        ),
        fix=_(
            "Do without it, or see to it that a reader misses nothing: https://www.caniemail.com/features/{slug}/.",
            slug=slug,
        ),
    )


def _anchors(tree: Any) -> Iterator[str]:
    return (target for _, target in html_tree.links(tree) if target.startswith("#"))


def _score(case: CheckContext, needs: Mapping[str, Use], clients: tuple[str, ...]) -> Iterator[Finding]:
    """The mean over features of the mean over clients; each feature weighs the same."""
    by_feature: dict[str, float] = {}
    by_client: dict[str, list[float]] = {client: [] for client in clients}
    for slug, use in needs.items():
        levels = {client: known for client in clients if (known := level(slug, client, use)) is not None}
        for client, known in levels.items():
            by_client[client].append(known)
        if levels:
            by_feature[slug] = sum(levels.values()) / len(levels)
    costly = [
        slug for slug, level in sorted(by_feature.items(), key=lambda each: (each[1], each[0])) if level < 1
    ]
    if not costly:
        return
    means = {client: sum(levels) / len(levels) for client, levels in by_client.items() if levels}
    worst = min(means, key=lambda client: means[client])
    first = costly[0]
    yield SCORE.report(
        case,
        0,
        _(
            "the mail needs {features} features, and {clients} mail programs support them for {mean:.1f}%: {worst} least ({least:.1f}%); what costs most is {feature} on <{tag}> ({part:.1f}%); Can I email, {date}",
            features=len(by_feature),
            clients=len(clients),
            mean=100 * sum(by_feature.values()) / len(by_feature),
            worst=data().clients[worst],
            least=100 * means[worst],
            feature=data().titles[first],
            tag=needs[first].first,
            part=100 * by_feature[first],
            date=data().date,
        ),
        fix=_(
            "See https://www.caniemail.com/features/{slug}/ when you make a theme of your own.", slug=first
        ),
    )
