"""What travels inside a mail beside its bodies."""

from collections.abc import Iterable

from moza_mail.model.message import Attachment
from moza_mail.model.picture import Picture


def shown(pictures: Iterable[Picture], domain: str) -> tuple[Attachment, ...]:
    """The pictures that travel inside the mail, each once."""
    attachments = {
        picture.content_id(domain): Attachment(
            filename=picture.name,
            content_type=picture.content_type,
            content=picture.content,
            content_id=picture.content_id(domain),
        )
        for picture in pictures
        if not picture.url
    }
    return tuple(attachments.values())
