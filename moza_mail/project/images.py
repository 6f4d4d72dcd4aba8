"""Image files on disk: found inside the project, read with care, and made no larger than a mail shows them."""

import hashlib
import io
import re
import warnings
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote, urlsplit

from PIL import Image as Pillow
from PIL import ImageOps, UnidentifiedImageError

from moza_mail.errors import IssueError
from moza_mail.i18n import describe_os_error
from moza_mail.i18n import gettext as _
from moza_mail.model.image_file import ImageFile
from moza_mail.model.issue import Image, find_unmailable

KINDS = {"PNG": ("image/png", "png"), "JPEG": ("image/jpeg", "jpg"), "GIF": ("image/gif", "gif")}
# What is opened at all: a small file can unpack to an image that fills the memory.
MAX_FILE = 20_000_000
MAX_PIXELS = 40_000_000
# What is mailed, to everyone: one image, and all of an issue together.
MAX_MAILED = 1_000_000
MAX_TOGETHER = 3_000_000
JPEG_QUALITY = 85
# A file name says by this that it has two pixels for each that is shown.
DOUBLE = "@2x"
# Where Pillow puts what a camera or an editor's program wrote beside the image.
METADATA_KEYS = {"exif", "xmp", "XML:com.adobe.xmp", "photoshop", "comment"}


class ImageFileError(Exception):
    """A file that cannot be mailed as an image: a clause that says why, and the way out."""

    def __init__(self, reason: str, hint: str = "") -> None:
        super().__init__(reason)
        self.reason = reason
        self.hint = hint


@dataclass(frozen=True, slots=True, kw_only=True)
class ImageSettings:
    """Where an issue's images are and go.

    `folder` is that of the issue's file, `root` the project's. `column` is the widest an image is shown, in CSS pixels.
    With `asset_url` images are linked there, else embedded. `hosts` may be asked for images of their own.
    """

    folder: Path
    root: Path
    column: int
    asset_url: str = ""
    hosts: tuple[str, ...] = ()


def read_images(images: Iterable[Image], source: str, settings: ImageSettings) -> Mapping[str, ImageFile]:
    """The images of an issue by their `src`; raise IssueError, with the line, for one that cannot be mailed."""
    found: dict[str, ImageFile] = {}
    for image in images:
        if image.src in found:
            continue
        try:
            found[image.src] = _read_image(image.src, settings)
            _check_together(found.values())
        except ImageFileError as error:
            raise IssueError(
                _("the image {image} {reason}", image=image.src, reason=error.reason),
                source=source,
                line=image.line,
                hint=error.hint,
            ) from None
    return found


def _check_together(found: Iterable[ImageFile]) -> None:
    """Raise ImageError when the mail would be too heavy; a file that is shown twice travels once."""
    inside = {image.name: len(image.content) for image in found if not image.url}
    if sum(inside.values()) > MAX_TOGETHER:
        raise ImageFileError(
            _("makes the images of this issue more than {size} together", size=_size(MAX_TOGETHER)),
            _("Leave one out, make them smaller, or set asset_url (docs/configuration.md)."),
        )


def _read_image(src: str, settings: ImageSettings) -> ImageFile:
    if src.lower().startswith("https:"):
        if (urlsplit(src).hostname or "") not in settings.hosts:
            raise ImageFileError(
                _("would be asked of another's host each time the mail is read"),
                _(
                    "Put the image beside the issue, or name the host in [check] allowed_hosts of moza-mail.toml."
                ),
            )
        return ImageFile(name=src, url=src)
    path = _file(unquote(src), settings)
    try:
        content = path.read_bytes() if path.stat().st_size <= MAX_FILE else None
    except OSError as error:
        raise ImageFileError(_("cannot be read: {reason}", reason=describe_os_error(error))) from None
    if content is None:
        raise ImageFileError(
            _("is a file of more than {size}", size=_size(MAX_FILE)), _("Make the image smaller.")
        )
    return prepare_image(content, path.name, column=settings.column, base=settings.asset_url)


def _file(name: str, settings: ImageSettings) -> Path:
    """The file that is meant: beside the issue, else in the project, never outside it."""
    if find_unmailable(name):
        raise ImageFileError(_("has a control character in its name"))
    root = settings.root.resolve()
    places = (
        [settings.root / name.lstrip("/")]
        if name.startswith("/")
        else [settings.folder / name, settings.root / name]
    )
    for place in places:
        try:
            path = place.resolve(strict=True)
        except (OSError, RuntimeError):
            continue
        if not path.is_relative_to(root):
            raise ImageFileError(
                _("is outside the project's folder"), _("Copy it into the folder of the issue.")
            )
        if path.is_file():
            return path
    raise ImageFileError(
        _("is not there: {first} or {second}", first=str(places[0]), second=str(places[1]))
        if places[1:]
        else _("is not there: {first}", first=str(places[0])),
        _("Mind capitals, and count from the folder of the issue."),
    )


def prepare_image(content: bytes, name: str, *, column: int, base: str = "") -> ImageFile:
    """An image file as it is mailed, at most `column` CSS pixels wide; linked under `base` when that is given.

    It gets no more than two pixels for each that is shown, is turned upright, and loses what the camera wrote in it
    (place, owner). A file that needs none of that keeps its bytes. Raises ImageError.
    """
    if name.lower().endswith((".svg", ".svgz")) or content.lstrip()[:5].lower() in {b"<svg ", b"<?xml"}:
        raise ImageFileError(
            _("is an SVG, which Gmail and Outlook do not show"),
            _("Export it as a PNG of {width} pixels wide.", width=2 * column),
        )
    try:
        with warnings.catch_warnings():
            # A photo whose camera wrote nonsense is a photo all the same.
            warnings.simplefilter("ignore")
            warnings.simplefilter("error", Pillow.DecompressionBombWarning)
            made, kind, (width, height) = _fitted(content, _double(name), column)
    except UnidentifiedImageError:
        raise ImageFileError(_("is not a PNG, JPEG or GIF"), _("Export it as one of these.")) from None
    except (Pillow.DecompressionBombError, Pillow.DecompressionBombWarning):
        raise ImageFileError(
            _("has more than {millions} million pixels", millions=MAX_PIXELS // 1000000),
            _("Make it smaller."),
        ) from None
    except (OSError, ValueError, SyntaxError, EOFError, ArithmeticError, LookupError):
        raise ImageFileError(_("is damaged"), _("Export it again.")) from None
    if len(made) > MAX_MAILED:
        raise ImageFileError(
            _(
                "is still {size} when it fits the mail, and {most} is the most",
                size=_size(len(made)),
                most=_size(MAX_MAILED),
            ),
            _("Save a photo as JPEG, or make it smaller."),
        )
    content_type, ending = KINDS[kind]
    stem = re.sub(r"[^a-z0-9_-]+", "-", Path(name).stem.lower().replace(DOUBLE, "")).strip("-") or "image"
    called = f"{stem[:60]}-{hashlib.sha256(made).hexdigest()[:8]}.{ending}"
    return ImageFile(
        name=called,
        content_type=content_type,
        content=made,
        width=width,
        height=height,
        url=f"{base.rstrip('/')}/{called}" if base else "",
    )


def _double(name: str) -> bool:
    return Path(name).stem.lower().endswith(DOUBLE)


def _fitted(content: bytes, double: bool, column: int) -> tuple[bytes, str, tuple[int, int]]:
    """The bytes to mail, their kind, and the size to show."""
    with Pillow.open(io.BytesIO(content), formats=tuple(KINDS)) as image:
        # A telephone's JPEG with a second image in it is known by another name.
        kind = "JPEG" if image.format == "MPO" else str(image.format)
        if image.width * image.height > MAX_PIXELS:
            raise Pillow.DecompressionBombError
        image.load()
        upright = ImageOps.exif_transpose(image)
        shown = max(1, min(upright.width // 2 if double else upright.width, column))
        size = (shown, max(1, round(upright.height * shown / upright.width)))
        too_large = upright.width > 2 * shown
        if too_large and kind != "JPEG" and getattr(image, "n_frames", 1) > 1:
            raise ImageFileError(
                _("moves and is too wide to be mailed as it is"),
                _(
                    "Make it at most {width} pixels wide, or take an image that stands still.",
                    width=2 * column,
                ),
            )
        if not (too_large or _has_metadata(image) or image.mode == "CMYK"):
            return content, kind, size
        if too_large:
            upright = _shrunk(upright, (2 * shown, max(1, round(upright.height * 2 * shown / upright.width))))
        return _written(upright, kind), kind, size


def _has_metadata(image: Pillow.Image) -> bool:
    """Whether the file says more than an image: where it was taken, by whom, or a second image."""
    return image.format == "MPO" or bool(image.getexif()) or bool(METADATA_KEYS & image.info.keys())


def _shrunk(image: Pillow.Image, size: tuple[int, int]) -> Pillow.Image:
    """Smaller; an image with a palette gets its colours first, or they could not be mixed."""
    if image.mode in {"P", "1"}:
        image = image.convert("RGBA" if "transparency" in image.info else "RGB")
    return image.resize(size, Pillow.Resampling.LANCZOS)


def _written(image: Pillow.Image, kind: str) -> bytes:
    """The file without what the camera wrote in it; its colour profile stays."""
    out = io.BytesIO()
    profile = image.info.get("icc_profile")
    image.info = {key: value for key, value in image.info.items() if key == "transparency"}
    if kind == "JPEG":
        if image.mode not in {"L", "RGB"}:
            image, profile = image.convert("RGB"), None
        image.save(out, "JPEG", quality=JPEG_QUALITY, optimize=True, progressive=True, icc_profile=profile)
    elif kind == "PNG":
        image.save(out, "PNG", optimize=True, icc_profile=profile)
    else:
        image.save(out, "GIF", optimize=True)
    return out.getvalue()


def _size(count: int) -> str:
    return f"{count / 1_000_000:.1f} MB".replace(".0 ", " ")
