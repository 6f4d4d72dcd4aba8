"""Sentences in English that are translated only when they are shown."""

from collections.abc import Iterable

MessagePart = str | int | float


class Translatable(str):
    """A sentence in English that keeps the template and the parts from which it was made.

    JSON and logs contain it in English. `catalog.translate` uses the template to find the translation, and
    also translates the parts that are Translatable.

    plural: the template for numbers other than one. It is empty unless the sentence counts something. The
    part `count` is the number.
    """

    __slots__ = ("parts", "plural", "template")

    template: str
    plural: str
    parts: dict[str, MessagePart]


def gettext(template: str, /, **parts: MessagePart) -> Translatable:
    """Return a sentence made from a template.

    parts: the values of the template's fields, filled in as `str.format` does. Without parts, the template itself is
    the sentence, and braces in it are kept.
    """
    return _filled(template, template, "", parts)


def ngettext(singular: str, plural: str, count: int, /, **parts: MessagePart) -> Translatable:
    """Return the singular sentence if `count` is 1, else the plural sentence.

    A field `{count}` in the template is filled in with the number.
    """
    return _filled(singular if count == 1 else plural, singular, plural, {**parts, "count": count})


def join_texts(texts: Iterable[str]) -> str:
    """Join texts with commas. Each text is translated when the result is translated."""
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
    """Return a mapping from the English text of each sentence to its Translatable form.

    Some libraries return an error as plain English text. The mapping gives the translatable sentence for that text.
    """
    return {sentence: sentence for sentence in sentences}


def describe_error(error: ValueError) -> str:
    """Return the reason in a ValueError. A Translatable reason stays Translatable."""
    reason = error.args[0] if error.args else ""
    return reason if isinstance(reason, Translatable) else str(error)


# Reasons of the operating system that a person can do something about.
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
