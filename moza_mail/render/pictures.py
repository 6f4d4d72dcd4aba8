"""Find the paragraphs of an issue that are a picture with a caption (pure)."""

from dataclasses import dataclass, replace

from moza_mail.model.issue import Image, Inlines, LineBreak, Paragraph, Text


@dataclass(frozen=True, slots=True, kw_only=True)
class Picture:
    """An image on its own, and its caption, which may be empty."""

    image: Image
    caption: Inlines


def split_picture(paragraph: Paragraph) -> Picture | None:
    """Return the picture if the paragraph is a picture with a caption, else None.

    The caption is the text on the lines below the image, or else the title of the image, as in
    `![alt](a.png "title")`.
    """
    first, rest = paragraph.inlines[0], paragraph.inlines[1:]
    if not isinstance(first, Image) or (rest and not isinstance(rest[0], LineBreak)):
        return None
    if rest[1:]:
        return Picture(image=first, caption=rest[1:])
    caption = (Text(text=first.title),) if first.title else ()
    return Picture(image=replace(first, title=""), caption=caption)
