"""Format findings as text: in full, or as a few lines of a plan."""

import textwrap
from collections.abc import Sequence

from moza_mail.app.check_issue import count_findings, locate
from moza_mail.cli import output
from moza_mail.i18n import gettext as _
from moza_mail.i18n import ngettext
from moza_mail.model.finding import Finding, Severity

HEADINGS = {
    Severity.ERROR: _("Must be fixed before sending"),
    Severity.WARNING: _("Probably wrong"),
    Severity.INFO: _("Good to know"),
}
SEVERITIES = {
    Severity.ERROR: ngettext("error", "errors", 1),
    Severity.WARNING: ngettext("warning", "warnings", 1),
    Severity.INFO: _("info"),
}
MOST_IN_PLAN = 5


def as_text(source: str, findings: Sequence[Finding], *, width: int = 0) -> str:
    """Return findings as text, the most severe first. Wrap at `width` columns unless it is 0."""
    lines: list[str] = []
    for severity, heading in HEADINGS.items():
        group = [finding for finding in findings if finding.severity is severity]
        if group:
            lines += [
                f"{output.shown(heading)}:",
                *(line for each in group for line in _lines(each, width)),
                "",
            ]
    return "\n".join([*lines, f"{source}: {output.shown(count_findings(findings))}."])


def _lines(finding: Finding, width: int) -> list[str]:
    first = f"{locate(finding)}: {output.shown(finding.message)} [{finding.rule}]"
    return [*_wrap(first, "  ", width), *_wrap(output.shown(finding.fix), "      ", width)]


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
    """Return the first errors and warnings, one line each, for the plan of a mailing."""
    listed = [finding for finding in findings if finding.severity is not Severity.INFO]
    lines = [
        f"  {output.shown(SEVERITIES[finding.severity]):<8} {locate(finding)}: {output.shown(finding.message)}"
        for finding in listed[:MOST_IN_PLAN]
    ]
    if listed:
        more = len(listed) - MOST_IN_PLAN
        hint = (
            _("{count} more; see how to fix them: moza-mail check {source}", count=more, source=source)
            if more > 0
            else _("see how to fix them: moza-mail check {source}", source=source)
        )
        lines.append(f"           {output.shown(hint)}")
    return lines
