"""Check that mail programs support the features of a mail, by the tests of Can I email.

The newest tested version of a program counts. Full support scores 1, no support 0, and partial support 0.5,
or 1 if none of its notes applies to the mail. Features that recipients would not miss are left out;
data/clients.toml gives the reason for each. Style blocks only count if the mail looks different without them.

This check has two limits. It tests no mail program itself, so a program may have changed since the date of
the data. Problems with the layout engine of Outlook are not all tied to a feature, so the data cannot show
them.
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
    """Support of one feature by one mail program.

    level: y (full), a (partial), n (none) or u (unknown).
    notes: the numbers of the notes that Can I email gives.
    """

    level: str
    notes: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class CanIEmailData:
    """Our copy of the Can I email data: client names by id, and support by feature and client."""

    date: str
    clients: Mapping[str, str]
    titles: Mapping[str, str]
    support: Mapping[str, Mapping[str, ClientSupport]]


@dataclass(frozen=True, slots=True, kw_only=True)
class FeaturePolicy:
    """Our choices about the Can I email data, from data/clients.toml."""

    default_clients: tuple[str, ...]
    enhancements: Mapping[str, Mapping[str, str]]
    note_patterns: Mapping[str, Mapping[str, str]]


@lru_cache(maxsize=1)
def load_data() -> CanIEmailData:
    """Load the support data on first use."""
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
    """Load our choices about the Can I email data from data/clients.toml on first use."""
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
    """Yield the features of the mail that mail programs cannot show.

    Raises ProjectError if [check] names an unknown mail program.
    """
    clients = _select_clients(context.options.clients)
    needs = _find_needs(context)
    for slug, use in needs.items():
        unsupported = [client for client in clients if support_level(slug, client, use) == 0]
        if unsupported:
            yield _report_unsupported(context, slug, use, unsupported)
    yield from _check_score(context, needs, clients)


def _select_clients(wanted: tuple[str, ...]) -> tuple[str, ...]:
    known_clients = load_data().clients
    for client in wanted:
        if client not in known_clients:
            raise ProjectError(
                _("`check.clients` names {client!r}, which is not a known mail program", client=client),
                hint=_("Choose from: {clients}.", clients=", ".join(sorted(known_clients))),
            )
    return wanted or load_policy().default_clients


def _find_needs(context: CheckContext) -> dict[str, FeatureUse]:
    """Return the features that recipients would miss, each with its uses that matter."""
    needs_style_blocks = depends_on_style_blocks(
        context.light_styles, compute_styles(context.tree, style_blocks=False)
    )
    needs = {}
    for slug, use in find_features(context.tree, frozenset(load_data().support)).items():
        uses = use.on_elements | (use.in_style_blocks if needs_style_blocks else set())
        enhancement = load_policy().enhancements.get(slug)
        if enhancement and not (slug == "html-style" and needs_style_blocks):
            only = enhancement.get("only")
            uses = {each for each in uses if not re.search(only, each)} if only else set()
        if uses:
            needs[slug] = FeatureUse(on_elements=uses, count=use.count, first_tag=use.first_tag or "style")
    return needs


def support_level(slug: str, client: str, use: FeatureUse) -> float | None:
    """Return how well a client supports a use of a feature, from 0 to 1; None if unknown."""
    support = load_data().support[slug][client]
    level = LEVEL_SCORES.get(support.level)
    about = load_policy().note_patterns.get(slug, {})
    if level is None or level == 1 or not support.notes:
        return level
    patterns = [about.get(note) for note in support.notes]
    applies = any(
        pattern is None or any(re.search(pattern, each) for each in use.on_elements) for pattern in patterns
    )
    return level if applies else 1.0


def _report_unsupported(context: CheckContext, slug: str, use: FeatureUse, unsupported: list[str]) -> Finding:
    names = [load_data().clients[client] for client in unsupported]
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
            "{feature} (on <{tag}>) has no effect in {programs}",
            feature=load_data().titles[slug],
            tag=use.first_tag,
            programs=programs,
        ),
        fix=_(
            "Avoid it, or make sure that the mail works without it: https://www.caniemail.com/features/{slug}/.",
            slug=slug,
        ),
    )


def _anchor_targets(tree: Any) -> Iterator[str]:
    return (target for _, target in html_tree.find_links(tree) if target.startswith("#"))


def _check_score(
    context: CheckContext, needs: Mapping[str, FeatureUse], clients: tuple[str, ...]
) -> Iterator[Finding]:
    """Report the mean support of the features in the mail, each feature with equal weight.

    The support of one feature is its mean over the mail programs.
    """
    by_feature: dict[str, float] = {}
    by_client: dict[str, list[float]] = {client: [] for client in clients}
    for slug, use in needs.items():
        levels = {
            client: level for client in clients if (level := support_level(slug, client, use)) is not None
        }
        for client, level in levels.items():
            by_client[client].append(level)
        if levels:
            by_feature[slug] = sum(levels.values()) / len(levels)
    partial = [
        slug for slug, level in sorted(by_feature.items(), key=lambda each: (each[1], each[0])) if level < 1
    ]
    if not partial:
        return
    means = {client: sum(levels) / len(levels) for client, levels in by_client.items() if levels}
    worst = min(means, key=lambda client: means[client])
    first = partial[0]
    yield SCORE.report(
        context,
        0,
        _(
            "the {features} features that the mail needs have a mean support of {mean:.1f}%, in {clients} mail programs; {worst} supports the least ({least:.1f}%); {feature} on <{tag}> costs the most ({part:.1f}%), by Can I email of {date}",
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
        fix=_("See https://www.caniemail.com/features/{slug}/ if you make your own theme.", slug=first),
    )
