"""Repair bullets and no-break spaces in the file of an issue."""

import difflib

from moza_mail import edit, parse
from moza_mail.model.markdown_repair import find_repairs
from moza_mail.project import Project


def fix_issue(project: Project, name: str) -> str:
    """Repair an issue's file in one step, and return the changes as a unified diff.

    The diff is empty if nothing changed.

    Raises IssueError if the file cannot be read or written. Then the file is unchanged.
    """
    path = project.find_issue(name)
    text = project.read_issue(path)
    rows = parse.normalize_line_endings(text).split("\n")
    repaired = list(rows)
    for repair in find_repairs(rows):
        repaired[repair.row] = repair.after
    if repaired == rows:
        return ""
    project.save_issue(path, edit.restore_line_endings(text, "\n".join(repaired)))
    return "\n".join(difflib.unified_diff(rows, repaired, str(path), str(path), lineterm=""))
