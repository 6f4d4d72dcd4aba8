"""Sentences for a person: in English, and so made that they can be said in another language.

`say` makes one where something is found or goes wrong; `moza_mail.i18n.catalog` says it in the language of who reads it.
"""

MessagePart = str | int | float


class Translatable(str):
    """A sentence in English. `form` is what it was made of, with its `parts` as `{names}`; a translation is known by it.

    It is a text like any other to all that does not translate: JSON, a terminal, a log. A part may be Said itself.
    """

    __slots__ = ("parts", "template")

    template: str
    parts: dict[str, MessagePart]


def gettext(form: str, /, **parts: MessagePart) -> Translatable:
    """The sentence of a form, filled as `str.format` does; one without parts stands as it is, braces included."""
    said = Translatable(form.format(**parts) if parts else form)
    said.template = form
    said.parts = parts
    return said


def index_by_text(*sentences: Translatable) -> dict[str, Translatable]:
    """Sentences that a library says, each by its text, so that they can be said in another language too."""
    return {sentence: sentence for sentence in sentences}


# What the system says of a file, where a person can do something about it.
SYSTEM = index_by_text(
    gettext("No such file or directory"),
    gettext("Permission denied"),
    gettext("Operation not permitted"),
    gettext("Read-only file system"),
    gettext("No space left on device"),
    gettext("File name too long"),
    gettext("Is a directory"),
    gettext("Not a directory"),
)


def describe_os_error(error: OSError) -> str:
    """Why a file cannot be used, as the system says it."""
    reason = error.strerror or type(error).__name__
    return SYSTEM.get(reason, reason)
