"""Findings as text: in full, and as the lines of a plan."""

import textwrap
from collections.abc import Sequence

from moza_mail.app.check_issue import count_findings, locate
from moza_mail.model.finding import Finding, Severity

HEADINGS = {
    Severity.ERROR: "Must be fixed before sending",
    Severity.WARNING: "Probably wrong",
    Severity.INFO: "Good to know",
}
MOST_IN_PLAN = 5


def as_text(source: str, findings: Sequence[Finding], *, width: int = 0) -> str:
    """Return findings as lines, the most severe first. Lines wrap at `width` columns; 0 leaves them whole."""
    lines: list[str] = []
    for severity, heading in HEADINGS.items():
        group = [finding for finding in findings if finding.severity is severity]
        if group:
            lines += [f"{heading}:", *(line for each in group for line in _lines(each, width)), ""]
    return "\n".join([*lines, f"{source}: {count_findings(findings)}."])


def _lines(finding: Finding, width: int) -> list[str]:
    first = f"{locate(finding)}: {finding.message} [{finding.rule}]"
    return [*_wrap(first, "  ", width), *_wrap(finding.fix, "      ", width)]


def _wrap(text: str, indent: str, width: int) -> list[str]:
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


def as_plan_lines(source: str, findings: Sequence[Finding]) -> list[str]:
    """Return the errors and the first warnings, one line each, for the plan of a mailing."""
    listed = [finding for finding in findings if finding.severity is not Severity.INFO]
    lines = [
        f"  {finding.severity:<8} {locate(finding)}: {finding.message}" for finding in listed[:MOST_IN_PLAN]
    ]
    if listed:
        more = f"{len(listed) - MOST_IN_PLAN} more; " if len(listed) > MOST_IN_PLAN else ""
        lines.append(f"           {more}see how to fix them: moza-mail check {source}")
    return lines
