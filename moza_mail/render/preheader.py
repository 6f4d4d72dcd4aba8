"""The preheader: what a mail client shows beside the subject, before the mail is opened."""

from collections.abc import Callable, Iterator

from moza_mail.model.issue import Blocks, Issue, ItemList, Paragraph, Quote, to_plain_text

MIN_LENGTH = 90
MAX_LENGTH = 140


def make_preheader(issue: Issue, length: Callable[[str], int] = len) -> str:
    """The issue's summary, else its first words: about 90 to 140 characters as `length` counts them, cut at a word."""
    if issue.summary:
        return " ".join(issue.summary.split())
    words = ""
    for sentence in _first_words(issue):
        words = f"{words} {sentence}".strip()
        if length(words) >= MIN_LENGTH:
            break
    return _shorten(words or issue.title, length)


def _first_words(issue: Issue) -> Iterator[str]:
    for section in issue.sections:
        yield from _block_texts(section.blocks)
    if issue.agenda:
        yield from _block_texts(issue.agenda.intro)
        for event in issue.agenda.events:
            yield _collapse(
                f"{to_plain_text(event.title)}: {event.when};"
                if event.when
                else f"{to_plain_text(event.title)};"
            )


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
            case _:
                pass


def _collapse(text: str) -> str:
    return " ".join(text.split())


def _shorten(words: str, length: Callable[[str], int]) -> str:
    if length(words) <= MAX_LENGTH:
        return words.removesuffix(";")
    head, *rest = words.split(" ")
    for word in rest:
        if length(f"{head} {word}") >= MAX_LENGTH:
            break
        head = f"{head} {word}"
    # One word that is longer than all of it can only be cut where it stands, and not when it is a reader's own.
    if len(head) == length(head):
        head = head[: MAX_LENGTH - 1]
    return head.rstrip(" ,;:-–(") + "…"
