"""Make the preheader, which a mail program shows next to the subject."""

from collections.abc import Callable, Iterator

from moza_mail.model.issue import Blocks, EventTable, Issue, ItemList, Paragraph, Quote, to_plain_text

MIN_LENGTH = 90
MAX_LENGTH = 140


def make_preheader(issue: Issue, length: Callable[[str], int] = len) -> str:
    """Return the issue's summary, or else 90 to 140 characters of its first text.

    length: a function that counts the characters of a text.
    """
    if issue.summary:
        return " ".join(issue.summary.split())
    text = ""
    for sentence in _first_words(issue):
        text = f"{text} {sentence}".strip()
        if length(text) >= MIN_LENGTH:
            break
    return _shorten(text or issue.title, length)


def _first_words(issue: Issue) -> Iterator[str]:
    for section in issue.sections:
        yield from _block_texts(section.blocks)


def _block_texts(blocks: Blocks) -> Iterator[str]:
    for block in blocks:
        match block:
            case Paragraph(inlines=inlines):
                yield _collapse(to_plain_text(inlines))
            case ItemList(items=items):
                for item in items:
                    label = f"{to_plain_text(item.label)}: " if item.label else ""
                    yield _collapse(label + to_plain_text(item.inlines))
                    yield from _block_texts(item.blocks)
            case Quote(blocks=inner):
                yield from _block_texts(inner)
            case EventTable(events=events):
                for event in events:
                    when = f": {event.when}" if event.when else ""
                    yield _collapse(f"{to_plain_text(event.title)}{when};")
            case _:
                pass


def _collapse(text: str) -> str:
    return " ".join(text.split())


def _shorten(text: str, length: Callable[[str], int]) -> str:
    if length(text) <= MAX_LENGTH:
        return text.removesuffix(";")
    head, *rest = text.split(" ")
    for word in rest:
        if length(f"{head} {word}") >= MAX_LENGTH:
            break
        head = f"{head} {word}"
    # A single word that is longer than the limit is cut, unless it contains a placeholder.
    if len(head) == length(head):
        head = head[: MAX_LENGTH - 1]
    return head.rstrip(" ,;:-–(") + "…"
