"""Findings as the command line shows them: to a person, to a program, and in the plan of a mailing."""

import textwrap
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from moza_mail.model.finding import Finding, Severity

HEADINGS = {
    Severity.ERROR: "To mend before it can be mailed",
    Severity.WARNING: "Probably wrong",
    Severity.INFO: "Good to know",
}
COUNTED = {Severity.ERROR: "error", Severity.WARNING: "warning", Severity.INFO: "remark"}
IN_PLAN = 5


def as_data(source: str, findings: Sequence[Finding]) -> dict[str, Any]:
    """Findings as JSON values."""
    counts = Counter(finding.severity for finding in findings)
    return {
        "issue": source,
        "findings": [asdict(finding) for finding in findings],
        "errors": counts[Severity.ERROR],
        "warnings": counts[Severity.WARNING],
        "infos": counts[Severity.INFO],
    }


def as_text(source: str, findings: Sequence[Finding], *, width: int = 0) -> str:
    """Findings as lines, the gravest first; longer ones are broken at `width` columns, 0 leaves them whole."""
    lines: list[str] = []
    for severity, heading in HEADINGS.items():
        group = [finding for finding in findings if finding.severity is severity]
        if group:
            lines += [f"{heading}:", *(line for each in group for line in _lines(each, width)), ""]
    return "\n".join([*lines, f"{source}: {counted(findings)}."])


def counted(findings: Sequence[Finding]) -> str:
    """`2 errors, 1 warning`."""
    counts = Counter(finding.severity for finding in findings)
    shown = [
        f"{counts[severity]} {word}{'s' * (counts[severity] != 1)}"
        for severity, word in COUNTED.items()
        if counts[severity]
    ]
    return ", ".join(shown) or "nothing found"


def place(finding: Finding) -> str:
    """`issues/2026-01-14.md:12`, which a terminal and an editor can follow."""
    return f"{finding.source}:{finding.line}" if finding.line else finding.source


def _lines(finding: Finding, width: int) -> list[str]:
    said = f"{place(finding)}: {finding.message} [{finding.rule}]"
    return [*_wrapped(said, "  ", width), *_wrapped(finding.fix, "      ", width)]


def _wrapped(text: str, indent: str, width: int) -> list[str]:
    if not width:
        return [indent + text]
    return textwrap.wrap(
        text,
        max(width, 40),
        initial_indent=indent,
        subsequent_indent="      ",
        break_long_words=False,
        break_on_hyphens=False,
    )


def in_plan(source: str, findings: Sequence[Finding]) -> list[str]:
    """What a plan says of its issue: each error and the first warnings, a line each."""
    told = [finding for finding in findings if finding.severity is not Severity.INFO]
    lines = [f"  {finding.severity:<8} {place(finding)}: {finding.message}" for finding in told[:IN_PLAN]]
    if told:
        more = f"{len(told) - IN_PLAN} more; " if len(told) > IN_PLAN else ""
        lines.append(f"           {more}moza-mail check {source} says what to do")
    return lines
