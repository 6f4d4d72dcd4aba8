"""Sentences for a person: in English, and so made that they can be said in another language.

`say` makes one where something is found or goes wrong; `moza_mail.i18n.catalog` says it in the language of who reads it.
"""

Part = str | int | float


class Said(str):
    """A sentence in English. `form` is what it was made of, with its `parts` as `{names}`; a translation is known by it.

    It is a text like any other to all that does not translate: JSON, a terminal, a log. A part may be Said itself.
    """

    __slots__ = ("form", "parts")

    form: str
    parts: dict[str, Part]


def say(form: str, /, **parts: Part) -> Said:
    """The sentence of a form, filled as `str.format` does; one without parts stands as it is, braces included."""
    said = Said(form.format(**parts) if parts else form)
    said.form = form
    said.parts = parts
    return said


def by_text(*sentences: Said) -> dict[str, Said]:
    """Sentences that a library says, each by its text, so that they can be said in another language too."""
    return {sentence: sentence for sentence in sentences}


# What the system says of a file, where a person can do something about it.
SYSTEM = by_text(
    say("No such file or directory"),
    say("Permission denied"),
    say("Operation not permitted"),
    say("Read-only file system"),
    say("No space left on device"),
    say("File name too long"),
    say("Is a directory"),
    say("Not a directory"),
)


def why(error: OSError) -> str:
    """Why a file cannot be used, as the system says it."""
    reason = error.strerror or type(error).__name__
    return SYSTEM.get(reason, reason)
