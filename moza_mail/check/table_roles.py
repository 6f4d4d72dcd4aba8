"""Check that screen readers can tell layout tables from data tables (WCAG 2.2, 1.3.1)."""

import re
from collections.abc import Iterator
from typing import Any

from moza_mail.check import html_tree
from moza_mail.check.rule import CheckContext, Rule, RuleCategory
from moza_mail.i18n import gettext as _
from moza_mail.model.finding import Finding, Severity
from moza_mail.model.issue import Table, to_plain_text

TABLES = Rule(name="tables", category=RuleCategory.ACCESSIBILITY, severity=Severity.ERROR)
TABLE_HEAD = Rule(name="table-head", category=RuleCategory.ACCESSIBILITY, severity=Severity.WARNING)
RULES = (TABLES, TABLE_HEAD)
LAYOUT_ROLES = {"presentation", "none"}


def check(context: CheckContext) -> Iterator[Finding]:
    """Yield every table whose markup mixes layout and data, or lacks header cells."""
    for table in _headless_tables(context):
        yield TABLE_HEAD.report(
            context,
            table.line,
            _("the table has an empty first row, so a screen reader cannot say what a cell means"),
            fix=_("Write what each column contains in the first row, above `|---|`."),
        )
    yield from _check_elements(context)


def _headless_tables(context: CheckContext) -> list[Table]:
    blocks = [block for section in context.issue.sections for block in section.blocks]
    return [
        block
        for block in blocks
        if isinstance(block, Table) and not any(to_plain_text(cell).strip() for cell in block.header)
    ]


def _is_headless(context: CheckContext, element: Any) -> bool:
    """Return True if the author wrote the table in this element without a head."""
    text = "".join(html_tree.element_text(element).split())
    written = (
        "".join(to_plain_text(cell) for row in table.rows for cell in row)
        for table in _headless_tables(context)
    )
    return any("".join(one.split()) == text for one in written)


def _check_elements(context: CheckContext) -> Iterator[Finding]:
    for table in context.tree.iter("table"):
        own = [cell for cell in table.iter("th", "td", "caption") if _find_table(cell) is table]
        headers = [cell for cell in own if cell.tag == "th"]
        first = html_tree.quote(html_tree.element_text(table))
        if table.get("role", "").lower() in LAYOUT_ROLES:
            data = headers or [
                cell for cell in own if cell.tag == "caption" or cell.get("scope") or cell.get("headers")
            ]
            if data or table.get("summary"):
                yield TABLES.report(
                    context,
                    0,
                    _(
                        "the table {first} is marked as layout, but has parts of a data table",
                        first=first,
                    ),
                    fix=_(
                        'Remove role="presentation", or remove the <th>, <caption>, `summary`, `scope` and `headers`.'
                    ),
                )
        elif not headers and not _is_headless(context, table):
            yield TABLES.report(
                context,
                0,
                _(
                    "the table {first} has no header cells, so a screen reader cannot say what a cell means",
                    first=first,
                ),
                fix=_(
                    'Add role="presentation" if the table is layout, or <th scope="col"> if it holds data.'
                ),
            )
        elif any(not header.get("scope") for header in headers):
            yield TABLES.report(
                context,
                0,
                _("a header cell of the table {first} has no `scope`", first=first),
                fix=_('Give each <th> scope="col", "row", "colgroup" or "rowgroup".'),
            )
    for html in html_tree.outlook_comments(context.tree):
        for tag in re.findall(r"<table\b[^>]*>", html, re.IGNORECASE):
            if not re.search(r"role\s*=\s*[\"']?(?:presentation|none)\b", tag, re.IGNORECASE):
                yield TABLES.report(
                    context,
                    0,
                    _("a table for Outlook is not marked as layout: {tag}", tag=html_tree.quote(tag)),
                    fix=_('Add role="presentation".'),
                )


def _find_table(cell: Any) -> Any:
    return next(cell.iterancestors("table"), None)
