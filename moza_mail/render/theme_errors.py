"""Add the name of the theme and the line in its file to an error of a template."""

from collections.abc import Iterator
from contextlib import contextmanager

from moza_mail.errors import RenderError
from moza_mail.model.theme import Theme

MIN_SEARCHED = 4


@contextmanager
def naming_theme(theme: Theme) -> Iterator[None]:
    """Add the name of the theme to a RenderError, and the line of the faulty text.

    The line is only added if the text is literally in a file of the theme.
    """
    try:
        yield
    except RenderError as error:
        template, line = error.template, error.line
        if error.written and not line:
            template, line = find_text(theme, error.written, template)
        raise RenderError(
            error.reason, template=template, line=line, hint=error.hint, theme=theme.name
        ) from None


def find_text(theme: Theme, written: str, likely: str) -> tuple[str, int]:
    """Return the file of a theme that contains a text, and the line of the text.

    If no file contains the whole text, shorter beginnings of it are searched. If none is found, return (likely, 0).

    likely: the file to search first.
    """
    names = sorted(theme.files, key=lambda name: (name != likely, name))
    while len(written) >= MIN_SEARCHED:
        for name in names:
            at = theme.files[name].find(written)
            if at >= 0:
                return name, theme.files[name].count("\n", 0, at) + 1
        written = written[: len(written) * 3 // 4]
    return likely, 0
