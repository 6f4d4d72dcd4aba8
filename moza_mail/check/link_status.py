"""What the web said of the links, as findings: which links are asked of it, and what each answer means for a reader."""

from collections.abc import Iterator, Mapping, Sequence
from functools import partial

from moza_mail.check import hostnames
from moza_mail.check.passages import find_links
from moza_mail.check.rule import Rule, RuleCategory
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

RULE_BY_STATE: Mapping[LinkState, tuple[Rule, str]] = {
    LinkState.BROKEN: (DEAD, "Look the page up and link to where it is now, or take the link out."),
    LinkState.UNREACHABLE: (UNREACHABLE, "Open it in a browser; ask again later with --links."),
    LinkState.NO_NETWORK: (UNREACHABLE, "Open it in a browser; ask again later with --links."),
    LinkState.NEEDS_LOGIN: (LOGIN, "Link to a page that everyone can read, or say that one must log in."),
    LinkState.REFUSED: (PRIVATE, "Link to a page that every reader can open."),
}


def find_urls_to_check(issue: Issue, *, skip_prefixes: Sequence[str] = ()) -> tuple[str, ...]:
    """The distinct web addresses of an issue, without fragments, that may be asked.

    Not those that are made for each reader: with a merge field or a slot in them, or beginning with one of `never`.
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
    """What the answers mean, at each line where the link stands; being offline is told once."""
    asked = [answer for answer in answers if answer.state is not LinkState.REFUSED and not answer.is_cached]
    offline = bool(asked) and all(answer.state is LinkState.NO_NETWORK for answer in asked)
    if offline and NO_NETWORK.name not in options.disabled:
        yield _make_finding(
            NO_NETWORK,
            issue,
            0,
            f"the web could not be asked about {len(asked)} {'link' if len(asked) == 1 else 'links'}: there is no network",
            fix="Connect to the internet and run check --links again.",
        )
    by_url = {answer.url: answer for answer in answers}
    places = dict.fromkeys((link.url, link.line) for link in find_links(issue))
    for url, line in places:
        answer = by_url.get(strip_fragment(url))
        if answer and not (offline and answer.state is LinkState.NO_NETWORK):
            yield from _check_answer(issue, options, Link(url=url, line=line, children=()), answer)


def _check_answer(issue: Issue, options: CheckOptions, link: Link, answer: LinkAnswer) -> Iterator[Finding]:
    if answer.state in RULE_BY_STATE:
        rule, fix = RULE_BY_STATE[answer.state]
        host = hostnames.host_of(link.url)
        # What a host tells by its name, or the programme knows of it, is told without asking anyone.
        told = (rule is PRIVATE and hostnames.is_private(host)) or (
            rule is LOGIN and hostnames.is_under(host, options.restricted_hosts)
        )
        if rule.name not in options.disabled and not told:
            yield _make_finding(
                rule, issue, link.line, f"{hostnames.shorten(link.url)} {answer.reason}", fix=fix
            )
    elif answer.moved_to and MOVED.name not in options.disabled:
        _, mark, fragment = link.url.partition("#")
        yield _make_finding(
            MOVED,
            issue,
            link.line,
            f"{hostnames.shorten(link.url)} has moved for good",
            fix=f"Write {answer.moved_to}{mark}{fragment}.",
        )


def _make_finding(rule: Rule, issue: Issue, line: int, message: str, *, fix: str) -> Finding:
    return Finding(
        rule=rule.name, severity=rule.severity, source=issue.source, line=line, message=message, fix=fix
    )
