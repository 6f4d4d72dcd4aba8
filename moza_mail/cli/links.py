"""`moza-mail check --links`: the web is asked about the links of an issue, and what it said is remembered for a day."""

import sys
from collections import Counter
from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from moza_mail import check
from moza_mail.app import open_project, prepare_issue
from moza_mail.cli import output
from moza_mail.link_check import Asker, Memory
from moza_mail.model.finding import Finding
from moza_mail.model.link import LinkAnswer, LinkState
from moza_mail.project import Project

FOLDER = ".moza-mail"


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What the web said of an issue's links."""

    answers: tuple[LinkAnswer, ...]
    findings: tuple[Finding, ...]

    def as_data(self) -> list[dict[str, Any]]:
        """The answers as JSON values."""
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


def ask(project: Project, dressed: prepare_issue.PreparedIssue, asker: Asker, *, quiet: bool) -> Asked:
    """Ask the web what is not remembered, remember what is certain, and say how much was asked; a bar when not `quiet`."""
    now = prepare_issue.now()
    memory = Memory(folder=project.root / FOLDER)
    urls = check.find_urls_to_check(dressed.issue, skip_prefixes=(project.config.public_url,))
    known = memory.recall(now)
    wanted = [url for url in urls if url not in known]
    with _bar(len(wanted), quiet=quiet) as heard:
        new = open_project.run_async(lambda: asker.ask(wanted, now=now, on_answer=heard))
    by_url = known | {answer.url: answer for answer in new}
    answers = tuple(by_url[url] for url in urls)
    kept = memory.keep(new, now)
    output.say(_summary(answers))
    if not kept:
        output.say(f"  The answers could not be kept in {memory.folder}: they will be asked again.")
    return Asked(
        answers=answers,
        findings=tuple(check.check_link_answers(dressed.issue, project.check_rules(), answers)),
    )


def _summary(answers: Sequence[LinkAnswer]) -> str:
    if not answers:
        return "There is no link that the web could be asked about."
    remembered = sum(answer.is_cached for answer in answers)
    states = Counter(answer.state for answer in answers)
    told = ", ".join(f"{states[state]} {state}" for state in LinkState if states[state])
    return f"{len(answers) - remembered} links asked of the web, {remembered} remembered from the last day: {told}."


@contextmanager
def _bar(total: int, *, quiet: bool) -> Generator[Callable[[LinkAnswer], None]]:
    """A progress bar on a terminal, and nothing elsewhere."""
    if quiet or not total or not sys.stderr.isatty():
        yield lambda _: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    with Progress(*columns, console=Console(stderr=True)) as shown:
        task = shown.add_task("Asking the web", total=total)
        yield lambda _: shown.advance(task)
