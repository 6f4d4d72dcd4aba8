"""Attach the images of a mail."""

from collections.abc import Iterable

from moza_mail.model.image_file import ImageFile
from moza_mail.model.message import Attachment


def embed_images(images: Iterable[ImageFile], domain: str) -> tuple[Attachment, ...]:
    """Return each image without a `url` as an attachment, once.

    domain: the domain of the Content-IDs.
    """
    attachments = {
        image.content_id(domain): Attachment(
            filename=image.name,
            content_type=image.content_type,
            content=image.content,
            content_id=image.content_id(domain),
        )
        for image in images
        if not image.url
    }
    return tuple(attachments.values())
