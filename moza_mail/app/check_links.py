"""Check if the links in an issue work. Answers that are certain are cached for a day."""

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from moza_mail import check
from moza_mail.app.prepare_issue import PreparedIssue
from moza_mail.i18n import gettext as _
from moza_mail.i18n import ngettext
from moza_mail.link_check import LinkCache, LinkClient
from moza_mail.model.finding import Finding
from moza_mail.model.link import LinkAnswer, LinkState

CACHE_FOLDER = ".moza-mail"


@dataclass(frozen=True, slots=True, kw_only=True)
class LinkReport:
    """The answers of the websites that an issue links to, and the resulting findings.

    unsaved: the cache folder if it is not writable; otherwise None.
    """

    answers: tuple[LinkAnswer, ...]
    findings: tuple[Finding, ...]
    unsaved: Path | None = None

    def add_findings(self, found: Iterable[Finding]) -> tuple[Finding, ...]:
        """Return the findings of the issue and of its links, the most severe first."""
        return check.sort_findings((*found, *self.findings))

    def as_data(self) -> list[dict[str, Any]]:
        """Return the answers as JSON values."""
        return [
            {
                "url": answer.url,
                "state": answer.state.value,
                "reason": answer.reason,
                "moved_to": answer.moved_to,
                "checked_at": answer.checked_at.isoformat(),
                "cached": answer.is_cached,
            }
            for answer in self.answers
        ]

    def describe(self) -> str:
        """Return a sentence that says how many links gave each result."""
        if not self.answers:
            return _("No link to check.")
        remembered = sum(answer.is_cached for answer in self.answers)
        counts = Counter(answer.state for answer in self.answers)
        states = ", ".join(f"{counts[state]} {state}" for state in LinkState if counts[state])
        return ngettext(
            "{count} link requested, {remembered} remembered from the last day: {states}.",
            "{count} links requested, {remembered} remembered from the last day: {states}.",
            len(self.answers) - remembered,
            remembered=remembered,
            states=states,
        )


class LinkChecker:
    """Checks the links of one issue. `urls` are the links without a cached answer."""

    def __init__(self, prepared: PreparedIssue, *, now: datetime) -> None:
        project = prepared.project
        self._prepared = prepared
        self._now = now
        self._cache = LinkCache(folder=project.root / CACHE_FOLDER)
        self._all = check.find_urls_to_check(prepared.issue, skip_prefixes=(project.config.public_url,))
        self._known = self._cache.load(now)
        self.urls = [url for url in self._all if url not in self._known]

    async def check(
        self, on_answer: Callable[[LinkAnswer], None], client: LinkClient | None = None
    ) -> LinkReport:
        """Request the links, cache the answers that are certain, and judge all answers.

        client: requests the links; None for a default client.
        """
        new = await (client or LinkClient()).check_links(self.urls, now=self._now, on_answer=on_answer)
        return self._report(new, is_saved=self._cache.save(new, self._now))

    def _report(self, new: Sequence[LinkAnswer], *, is_saved: bool) -> LinkReport:
        by_url = self._known | {answer.url: answer for answer in new}
        answers = tuple(by_url[url] for url in self._all)
        findings = check.check_link_answers(
            self._prepared.issue, self._prepared.project.check_rules(), answers
        )
        return LinkReport(
            answers=answers, findings=tuple(findings), unsaved=None if is_saved else self._cache.folder
        )
