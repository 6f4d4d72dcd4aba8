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
from moza_mail.check.features import FeatureUse, depends_on_style_blocks, find_features
from moza_mail.check.rule import CheckContext, Rule, RuleCategory
from moza_mail.errors import ProjectError
from moza_mail.i18n import gettext as _
from moza_mail.model.finding import Finding, Severity

UNSUPPORTED = Rule(name="client-support", category=RuleCategory.CLIENTS, severity=Severity.WARNING)
SCORE = Rule(name="client-score", category=RuleCategory.CLIENTS, severity=Severity.INFO)

RULES = (UNSUPPORTED, SCORE)

LEVEL_SCORES = {"y": 1.0, "a": 0.5, "n": 0.0}
MAX_NAMED = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class ClientSupport:
    """What one client does with a feature: `level` is y, a, n or u, `notes` the numbers of its notes."""

    level: str
    notes: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class CanIEmailData:
    """Can I email, as far as we have it: `clients` by what they are called, `support` by feature and client."""

    date: str
    clients: Mapping[str, str]
    titles: Mapping[str, str]
    support: Mapping[str, Mapping[str, ClientSupport]]


@dataclass(frozen=True, slots=True, kw_only=True)
class FeaturePolicy:
    """How the data is read for mail of our own: data/clients.toml."""

    default_clients: tuple[str, ...]
    enhancements: Mapping[str, Mapping[str, str]]
    note_patterns: Mapping[str, Mapping[str, str]]


@lru_cache(maxsize=1)
def load_data() -> CanIEmailData:
    """The data, read on first use."""
    raw = json.loads(_read_data_file("caniemail.json"))
    clients = raw["clients"]
    support = {
        slug: {
            client: _parse_support(token) for client, token in zip(clients, tokens.split(" "), strict=True)
        }
        for slug, _, tokens in raw["features"]
    }
    titles = {slug: title for slug, title, _ in raw["features"]}
    return CanIEmailData(date=raw["date"], clients=clients, titles=titles, support=support)


@lru_cache(maxsize=1)
def load_policy() -> FeaturePolicy:
    """What a mail may lack, and which notes are about what; read on first use."""
    raw = tomllib.loads(_read_data_file("clients.toml"))
    return FeaturePolicy(
        default_clients=tuple(raw["default"]), enhancements=raw["enhancement"], note_patterns=raw["notes"]
    )


def _read_data_file(name: str) -> str:
    return files("moza_mail.check").joinpath("data", name).read_text(encoding="utf-8")


@lru_cache(maxsize=512)
def _parse_support(token: str) -> ClientSupport:
    return ClientSupport(level=token[0], notes=tuple(filter(None, token[1:].split("."))))


def check(context: CheckContext) -> Iterator[Finding]:
    """What the mail programs cannot show; raise ProjectError for one that is not known."""
    clients = _select_clients(context.options.clients)
    needs = _find_needs(context)
    for slug, use in needs.items():
        lacking = [client for client in clients if support_level(slug, client, use) == 0]
        if lacking:
            yield _report_unsupported(context, slug, use, lacking)
    yield from _check_score(context, needs, clients)


def _select_clients(wanted: tuple[str, ...]) -> tuple[str, ...]:
    known = load_data().clients
    for client in wanted:
        if client not in known:
            raise ProjectError(
                _(
                    "`check.clients` names {client!r}, which is not a mail program that we know",
                    client=client,
                ),
                hint=_("Choose from: {names}.", names=", ".join(sorted(known))),
            )
    return wanted or load_policy().default_clients


def _find_needs(context: CheckContext) -> dict[str, FeatureUse]:
    """What a reader would miss something by, each with those of its uses for which that holds."""
    leans = depends_on_style_blocks(context.light_styles, compute_styles(context.tree, style_blocks=False))
    needs = {}
    for slug, use in find_features(context.tree, frozenset(load_data().support)).items():
        uses = use.on_elements | (use.in_style_blocks if leans else set())
        spared = load_policy().enhancements.get(slug)
        if spared and not (slug == "html-style" and leans):
            only = spared.get("only")
            uses = {each for each in uses if not re.search(only, each)} if only else set()
        if uses:
            needs[slug] = FeatureUse(on_elements=uses, count=use.count, first_tag=use.first_tag or "style")
    return needs


def support_level(slug: str, client: str, use: FeatureUse) -> float | None:
    """How far a client does what the mail needs, 0 to 1; None when that is not known."""
    support = load_data().support[slug][client]
    level = LEVEL_SCORES.get(support.level)
    about = load_policy().note_patterns.get(slug, {})
    if level is None or level == 1 or not support.notes:
        return level
    told = [about.get(note) for note in support.notes]
    applies = any(
        pattern is None or any(re.search(pattern, each) for each in use.on_elements) for pattern in told
    )
    return level if applies else 1.0


def _report_unsupported(context: CheckContext, slug: str, use: FeatureUse, lacking: list[str]) -> Finding:
    names = [load_data().clients[client] for client in lacking]
    programs: str = ", ".join(names[:MAX_NAMED])
    if len(names) > MAX_NAMED:
        programs = _("{programs} and {count} more", programs=programs, count=len(names) - MAX_NAMED)
    return UNSUPPORTED.report(
        context,
        html_tree.find_line(
            context,
            *(f"]({found})" for found in _anchor_targets(context.tree) if slug == "html-anchor-links"),
        ),
        _(
            "{feature} (on <{tag}>) does nothing in {programs}",
            feature=load_data().titles[slug],
            tag=use.first_tag,
            programs=programs,
        ),
        fix=_(
            "Do without it, or see to it that a reader misses nothing: https://www.caniemail.com/features/{slug}/.",
            slug=slug,
        ),
    )


def _anchor_targets(tree: Any) -> Iterator[str]:
    return (target for _, target in html_tree.find_links(tree) if target.startswith("#"))


def _check_score(
    context: CheckContext, needs: Mapping[str, FeatureUse], clients: tuple[str, ...]
) -> Iterator[Finding]:
    """The mean over features of the mean over clients; each feature weighs the same."""
    by_feature: dict[str, float] = {}
    by_client: dict[str, list[float]] = {client: [] for client in clients}
    for slug, use in needs.items():
        levels = {
            client: known for client in clients if (known := support_level(slug, client, use)) is not None
        }
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
        context,
        0,
        _(
            "the mail needs {features} features, and {clients} mail programs support them for {mean:.1f}%: {worst} least ({least:.1f}%); what costs most is {feature} on <{tag}> ({part:.1f}%); Can I email, {date}",
            features=len(by_feature),
            clients=len(clients),
            mean=100 * sum(by_feature.values()) / len(by_feature),
            worst=load_data().clients[worst],
            least=100 * means[worst],
            feature=load_data().titles[first],
            tag=needs[first].first_tag,
            part=100 * by_feature[first],
            date=load_data().date,
        ),
        fix=_(
            "See https://www.caniemail.com/features/{slug}/ when you make a theme of your own.", slug=first
        ),
    )
