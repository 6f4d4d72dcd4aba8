"""The preheader: what a mail client shows beside the subject, before the mail is opened."""

from collections.abc import Callable, Iterator

from moza_mail.model.issue import Blocks, Issue, ItemList, Paragraph, Quote, to_plain_text

ENOUGH = 90
MOST = 140


def preheader(issue: Issue, length: Callable[[str], int] = len) -> str:
    """The issue's summary, else its first words: about 90 to 140 characters as `length` counts them, cut at a word."""
    if issue.summary:
        return " ".join(issue.summary.split())
    words = ""
    for sentence in _first_words(issue):
        words = f"{words} {sentence}".strip()
        if length(words) >= ENOUGH:
            break
    return _cut(words or issue.title, length)


def _first_words(issue: Issue) -> Iterator[str]:
    for section in issue.sections:
        yield from _sentences(section.blocks)
    if issue.agenda:
        yield from _sentences(issue.agenda.intro)
        for event in issue.agenda.events:
            yield _squeezed(
                f"{to_plain_text(event.title)}: {event.when};"
                if event.when
                else f"{to_plain_text(event.title)};"
            )


def _sentences(blocks: Blocks) -> Iterator[str]:
    for block in blocks:
        match block:
            case Paragraph(inlines=inlines):
                yield _squeezed(to_plain_text(inlines))
            case ItemList(items=items):
                for item in items:
                    label = f"{to_plain_text(item.label)}: " if item.label else ""
                    yield _squeezed(label + to_plain_text(item.inlines))
                    yield from _sentences(item.blocks)
            case Quote(blocks=inner):
                yield from _sentences(inner)
            case _:
                pass


def _squeezed(text: str) -> str:
    return " ".join(text.split())


def _cut(words: str, length: Callable[[str], int]) -> str:
    if length(words) <= MOST:
        return words.removesuffix(";")
    head, *rest = words.split(" ")
    for word in rest:
        if length(f"{head} {word}") >= MOST:
            break
        head = f"{head} {word}"
    # One word that is longer than all of it can only be cut where it stands, and not when it is a reader's own.
    if len(head) == length(head):
        head = head[: MOST - 1]
    return head.rstrip(" ,;:-–(") + "…"
