"""Check an issue with the project's own rules."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from moza_mail import check, parse
from moza_mail.app.prepare_issue import PreparedIssue
from moza_mail.app.theme_faults import attribute_to_theme
from moza_mail.errors import IssueError, ProjectError, RenderError, ThemeError
from moza_mail.i18n import gettext as _
from moza_mail.i18n import join_texts, ngettext
from moza_mail.model.finding import CheckOptions, Finding, Severity
from moza_mail.model.issue_header import IssueHeader
from moza_mail.model.merge_field import NAME_FIELD
from moza_mail.project import CONFIG_FILE, Project

# The rule that an unreadable issue breaks. docs/check.md lists this rule with the other rules.
UNREADABLE = "unreadable"
# The rule that an issue breaks if it was sent before under another name. It needs the store.
SENT_BEFORE = "sent-before"
IMAGE_SUFFIXES = frozenset({".png", ".jpg", ".jpeg", ".gif", ".svg", ".webp"})


def check_issue(
    prepared: PreparedIssue, others: tuple[IssueHeader, ...] | None = None
) -> tuple[Finding, ...]:
    """Check a prepared issue.

    others: the front matter of the other issues in its folder; None to read it here.

    Raises ProjectError if the project switches off an unknown rule.
    """
    rules = load_rules(prepared.project)
    found = check.check_issue(
        prepared.issue,
        prepared.rendered,
        _add_facts(rules, prepared),
        text=prepared.text,
        other_issues=_load_others(prepared.project, prepared.path) if others is None else others,
    )
    return attribute_to_theme(prepared, found, rules)


def write_statement(prepared: PreparedIssue) -> "check.PrivacyStatement":
    """Return the privacy statement of an issue.

    The statement lists the data that the mail reveals about its recipients.
    """
    return check.write_privacy_statement(
        prepared.issue, prepared.rendered, load_rules(prepared.project), text=prepared.text
    )


def load_rules(project: Project) -> CheckOptions:
    """Return the project's rules; raise ProjectError if it switches off an unknown rule."""
    rules = project.check_rules()
    names = sorted([*(rule.name for rule in (*check.list_rules(), *check.list_link_rules())), SENT_BEFORE])
    if unknown := sorted(rules.disabled.difference(names)):
        raise ProjectError(
            _(
                "{path}: `check.disabled` names an unknown rule, `{rule}`",
                path=str(project.root / CONFIG_FILE),
                rule=unknown[0],
            ),
            hint=_("Name one of these rules: {names}.", names=", ".join(names)),
        )
    return rules


def _add_facts(rules: CheckOptions, prepared: PreparedIssue) -> CheckOptions:
    """Return the rules with the merge fields of the issue's list, and the images in the issue's folder."""
    files = prepared.path.parent.iterdir() if prepared.path.parent.is_dir() else ()
    return replace(
        rules,
        merge_fields=(NAME_FIELD, *prepared.mailing_list.attributes),
        image_files=frozenset(file.name for file in files if file.suffix.lower() in IMAGE_SUFFIXES),
    )


def _load_others(project: Project, path: Path) -> tuple[IssueHeader, ...]:
    """Load the front matter of the other issues. Skip unreadable issues."""
    fronts = []
    for other in project.list_other_issues(path):
        try:
            fronts.append(parse.parse_issue_header(project.read_issue(other), str(other)))
        except IssueError:
            continue
    return tuple(fronts)


def has_errors(findings: Iterable[Finding]) -> bool:
    """Return True if a finding is an error, so that the issue must not be mailed."""
    return any(finding.severity is Severity.ERROR for finding in findings)


def unreadable_finding(name: str, error: IssueError | RenderError | ThemeError) -> Finding:
    """Return the finding for an error that keeps an issue from being read or rendered.

    name: the issue's file, if the error names no file.
    """
    match error:
        case IssueError():
            source, message = error.source, error.reason
        case RenderError():
            source, message = error.place, error.reason
        case ThemeError(theme=theme, template=template):
            source, message = _("theme {theme}, {template}", theme=theme, template=template), error.message
    return Finding(
        rule=UNREADABLE,
        severity=Severity.ERROR,
        source=source or name,
        line=error.line,
        message=message,
        fix=error.hint,
    )


def findings_as_data(source: str, findings: Sequence[Finding]) -> dict[str, Any]:
    """Return findings as JSON values, with the count of each severity."""
    counts = Counter(finding.severity for finding in findings)
    return {
        "issue": source,
        "findings": [asdict(finding) for finding in findings],
        "errors": counts[Severity.ERROR],
        "warnings": counts[Severity.WARNING],
        "infos": counts[Severity.INFO],
    }


def count_findings(findings: Iterable[Finding]) -> str:
    """Return the number of findings of each severity as text: `2 errors, 1 warning`."""
    counts = Counter(finding.severity for finding in findings)
    errors, warnings, remarks = (
        counts[severity] for severity in (Severity.ERROR, Severity.WARNING, Severity.INFO)
    )
    parts = (
        ngettext("{count} error", "{count} errors", errors),
        ngettext("{count} warning", "{count} warnings", warnings),
        ngettext("{count} remark", "{count} remarks", remarks),
    )
    return join_texts(part for part in parts if part.parts["count"]) or _("nothing found")


def locate(finding: Finding) -> str:
    """Return a finding's file and line as `issues/2026-01-14.md:12`.

    Terminals and editors can open a file at such a place.
    """
    return f"{finding.source}:{finding.line}" if finding.line else finding.source
