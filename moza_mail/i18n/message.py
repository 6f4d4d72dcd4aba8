"""Sentences in English that are translated when they are shown."""

from collections.abc import Iterable

MessagePart = str | int | float


class Translatable(str):
    """A sentence in English that keeps the template and the parts it was made from.

    JSON and logs get it in English. `catalog.translate` finds its translation by the template and translates those parts
    that are Translatable too. `plural` is empty unless the sentence counts something; then the part `count` chooses.
    """

    __slots__ = ("parts", "plural", "template")

    template: str
    plural: str
    parts: dict[str, MessagePart]


def gettext(template: str, /, **parts: MessagePart) -> Translatable:
    """Return a sentence filled as `str.format` does. Without parts the template is the sentence, braces included."""
    return _filled(template, template, "", parts)


def ngettext(singular: str, plural: str, count: int, /, **parts: MessagePart) -> Translatable:
    """Return the sentence for a number, which is its part `count`."""
    return _filled(singular if count == 1 else plural, singular, plural, {**parts, "count": count})


def join_texts(texts: Iterable[str]) -> str:
    """Join texts with commas. Each is translated as a part of the result."""
    joined: str = ""
    for text in texts:
        joined = gettext("{before}, {text}", before=joined, text=text) if joined else text
    return joined


def _filled(chosen: str, template: str, plural: str, parts: dict[str, MessagePart]) -> Translatable:
    sentence = Translatable(chosen.format(**parts) if parts else chosen)
    sentence.template = template
    sentence.plural = plural
    sentence.parts = parts
    return sentence


def index_by_text(*sentences: Translatable) -> dict[str, Translatable]:
    """Index the sentences of a library by their text, so that they can be translated where the library returns one."""
    return {sentence: sentence for sentence in sentences}


def describe_error(error: ValueError) -> str:
    """Return the reason that a ValueError was raised with, still translatable if it was."""
    reason = error.args[0] if error.args else ""
    return reason if isinstance(reason, Translatable) else str(error)


# The operating system's reasons that a person can do something about.
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
    """Return the operating system's reason why a file cannot be used."""
    reason = error.strerror or type(error).__name__
    return SYSTEM.get(reason, reason)
