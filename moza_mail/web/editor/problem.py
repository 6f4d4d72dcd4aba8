"""An error that prevents the display of an issue, with its file and line."""

from dataclasses import dataclass

from moza_mail.errors import IssueError, MozaMailError, RenderError, ThemeError


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """An error that prevents the display of an issue.

    source, line: the file and line of the error; empty and 0 if unknown.
    quoted: the text of that line.
    """

    message: str
    hint: str = ""
    source: str = ""
    line: int = 0
    quoted: str = ""

    @classmethod
    def of(cls, error: MozaMailError) -> "Problem":
        """Make a problem from an exception."""
        match error:
            case IssueError():
                return cls(
                    message=error.reason,
                    hint=error.hint,
                    source=error.source,
                    line=error.line,
                    quoted=error.quoted.strip()[:200],
                )
            case RenderError(place=place, line=line):
                return cls(message=error.reason, hint=error.hint, source=place, line=line)
            case ThemeError(template=template):
                return cls(message=error.message, hint=error.hint, source=template)
            case _:
                return cls(message=error.message, hint=error.hint)
