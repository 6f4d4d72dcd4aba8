"""Check the links of an issue by the answers of the linked websites."""

from collections.abc import Iterator, Mapping, Sequence
from functools import partial

from moza_mail.check import hostnames
from moza_mail.check.passages import find_links
from moza_mail.check.rule import Rule, RuleCategory
from moza_mail.i18n import Translatable, ngettext
from moza_mail.i18n import gettext as _
from moza_mail.model.finding import CheckOptions, Finding, Severity
from moza_mail.model.issue import Issue, Link
from moza_mail.model.link import LinkAnswer, LinkState, strip_fragment
from moza_mail.model.message import PLACEHOLDER

_rule = partial(Rule, category=RuleCategory.LINKS)

DEAD = _rule(name="dead-link", severity=Severity.ERROR)
UNREACHABLE = _rule(name="unreachable-link", severity=Severity.WARNING)
LOGIN = _rule(name="login-link", severity=Severity.WARNING)
PRIVATE = _rule(name="private-address", severity=Severity.WARNING)
MOVED = _rule(name="moved-link", severity=Severity.INFO)
NO_NETWORK = _rule(name="no-network", severity=Severity.WARNING)

RULES = (DEAD, UNREACHABLE, LOGIN, PRIVATE, MOVED, NO_NETWORK)

_TRY_LATER = _("Open it in a browser, and check it again later with --links.")
RULE_BY_STATE: Mapping[LinkState, tuple[Rule, Translatable]] = {
    LinkState.BROKEN: (DEAD, _("Find the new address of the page, or remove the link.")),
    LinkState.UNREACHABLE: (UNREACHABLE, _TRY_LATER),
    LinkState.NO_NETWORK: (UNREACHABLE, _TRY_LATER),
    LinkState.NEEDS_LOGIN: (
        LOGIN,
        _("Link to a page that everybody can read, or write that it requires a login."),
    ),
    LinkState.REFUSED: (PRIVATE, _("Link to a page that every recipient can open.")),
}


def find_urls_to_check(issue: Issue, *, skip_prefixes: Sequence[str] = ()) -> tuple[str, ...]:
    """Return the distinct web addresses of an issue, without fragments.

    Addresses that differ per recipient are left out: addresses with a merge field or placeholder, and
    addresses that start with one of `skip_prefixes`.
    """
    urls = dict.fromkeys(strip_fragment(link.url) for link in find_links(issue))
    return tuple(
        url for url in urls if _may_be_checked(url, tuple(start for start in skip_prefixes if start))
    )


def _may_be_checked(url: str, skip_prefixes: tuple[str, ...]) -> bool:
    is_personal = PLACEHOLDER.match(url) or url.startswith(skip_prefixes)
    return (
        url.lower().startswith(("https://", "http://")) and bool(hostnames.host_of(url)) and not is_personal
    )


def check_answers(issue: Issue, options: CheckOptions, answers: Sequence[LinkAnswer]) -> Iterator[Finding]:
    """Yield the findings for the links of an issue, by the answers of their websites.

    A link on two lines is reported on both. Without a network there is a single finding for all links.
    """
    asked = [answer for answer in answers if answer.state is not LinkState.REFUSED and not answer.is_cached]
    offline = bool(asked) and all(answer.state is LinkState.NO_NETWORK for answer in asked)
    if offline:
        yield NO_NETWORK.make_finding(
            issue,
            0,
            ngettext(
                "{count} link is not checked, because there is no network",
                "{count} links are not checked, because there is no network",
                len(asked),
            ),
            fix=_("Connect to the internet and run check --links again."),
        )
    by_url = {answer.url: answer for answer in answers}
    for url, line in dict.fromkeys((link.url, link.line) for link in find_links(issue)):
        answer = by_url.get(strip_fragment(url))
        if answer and not (offline and answer.state is LinkState.NO_NETWORK):
            yield from _check_answer(issue, options, Link(url=url, line=line, children=()), answer)


def _check_answer(issue: Issue, options: CheckOptions, link: Link, answer: LinkAnswer) -> Iterator[Finding]:
    if answer.state in RULE_BY_STATE:
        rule, fix = RULE_BY_STATE[answer.state]
        host = hostnames.host_of(link.url)
        # Other rules already report such a host by its name alone.
        is_reported = (rule is PRIVATE and hostnames.is_private(host)) or (
            rule is LOGIN and hostnames.is_under(host, options.restricted_hosts)
        )
        if not is_reported:
            message = _("the link {link} {problem}", link=hostnames.shorten(link.url), problem=answer.reason)
            yield rule.make_finding(issue, link.line, message, fix=fix)
    elif answer.moved_to:
        fragment = link.url.removeprefix(answer.url)
        yield MOVED.make_finding(
            issue,
            link.line,
            _("the page of the link {link} has moved permanently", link=hostnames.shorten(link.url)),
            fix=_("Write {url}.", url=f"{answer.moved_to}{fragment}"),
        )
