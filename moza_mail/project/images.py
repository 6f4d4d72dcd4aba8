"""Read the image files of a project, and reduce them to the size they have in the mail."""

import hashlib
import io
import re
import struct
import warnings
import zlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote, urlsplit

from PIL import Image as Pillow
from PIL import ImageOps, UnidentifiedImageError

from moza_mail.errors import IssueError
from moza_mail.i18n import gettext as _
from moza_mail.model.image_file import ImageFile
from moza_mail.model.issue import Image
from moza_mail.model.unmailable import find_unmailable
from moza_mail.project.read_file import UnreadableFile, read_file

FORMATS = {"PNG": ("image/png", "png"), "JPEG": ("image/jpeg", "jpg"), "GIF": ("image/gif", "gif")}
# Limits for image files, in bytes and pixels. A small file can expand to an image that fills the memory.
MAX_FILE_SIZE = 20_000_000
MAX_PIXELS = 40_000_000
# Reducing a row of 20 million pixels takes 20 seconds and 1 GB. Panoramas of phones have at most about 16,000.
MAX_SIDE = 20_000
# Mail programs keep every frame of an animation in memory.
MAX_FRAMES = 1_000
# Limits in bytes for each mailed image, and for all images of an issue together.
MAX_IMAGE_SIZE = 1_000_000
MAX_TOTAL_SIZE = 3_000_000
JPEG_QUALITY = 85
# The stem of a file name ends with this text if the image has two pixels for each CSS pixel.
DOUBLE_RESOLUTION = "@2x"
# The errors that Pillow raises for a damaged file, such as one that is cut off.
DAMAGE_ERRORS = (
    OSError,
    ValueError,
    SyntaxError,
    EOFError,
    ArithmeticError,
    LookupError,
    struct.error,
    zlib.error,
)
# The keys under which Pillow returns metadata from a camera or an image editor.
METADATA_KEYS = {"exif", "xmp", "XML:com.adobe.xmp", "photoshop", "comment"}

# The keys under which Pillow returns the settings of an animation.
ANIMATION_KEYS = {"background", "blend", "default_image", "disposal", "duration", "loop", "transparency"}


class ImageFileError(Exception):
    """A file that cannot be mailed as an image.

    reason: a clause that can follow the name of the file.
    """

    def __init__(self, reason: str, hint: str = "") -> None:
        super().__init__(reason)
        self.reason = reason
        self.hint = hint


@dataclass(frozen=True, slots=True, kw_only=True)
class ImageSettings:
    """The folders and URLs of an issue's images.

    folder: the folder of the issue's file.
    root: the folder of the project.
    column: the maximum width in CSS pixels.
    asset_url: the URL at which images are published. If it is empty, images are embedded.
    hosts: other hosts from which the issue may show images.
    """

    folder: Path
    root: Path
    column: int
    asset_url: str = ""
    hosts: tuple[str, ...] = ()


def read_images(images: Iterable[Image], source: str, settings: ImageSettings) -> Mapping[str, ImageFile]:
    """Read the images of an issue, by `src`.

    Raises IssueError with the line of each image that cannot be mailed.
    """
    found: dict[str, ImageFile] = {}
    errors: list[IssueError] = []
    for image in images:
        if image.src in found:
            continue
        try:
            found[image.src] = _read_image(image.src, settings)
            _check_total_size(found.values())
        except ImageFileError as error:
            message = _("the image {image} {reason}", image=image.src, reason=error.reason)
            errors.append(IssueError(message, source=source, line=image.line, hint=error.hint))
    IssueError.raise_together(errors)
    return found


def _check_total_size(found: Iterable[ImageFile]) -> None:
    """Raise ImageFileError if the embedded images together are too large."""
    embedded = {image.name: len(image.content) for image in found if not image.url}
    if sum(embedded.values()) > MAX_TOTAL_SIZE:
        raise ImageFileError(
            _("makes the images of this issue larger than {size} in total", size=_size(MAX_TOTAL_SIZE)),
            _("Delete one, make them smaller, or set `asset_url` (see docs/configuration.md)."),
        )


def _read_image(src: str, settings: ImageSettings) -> ImageFile:
    if src.lower().startswith("https:"):
        if (urlsplit(src).hostname or "") not in settings.hosts:
            raise ImageFileError(
                _("is on another host, which would see each recipient who opens the mail"),
                _(
                    "Put the image in the folder of the issue, or add the host to [check] allowed_hosts in moza-mail.toml."
                ),
            )
        return ImageFile(name=src, url=src)
    path = _find_file(unquote(src), settings)
    try:
        content = read_file(path, max_bytes=MAX_FILE_SIZE)
    except UnreadableFile as error:
        raise ImageFileError(error.reason) from None
    return prepare_image(content, path.name, column=settings.column, base=settings.asset_url)


def _find_file(name: str, settings: ImageSettings) -> Path:
    """Find a file in the folder of the issue, else in the folder of the project."""
    if find_unmailable(name):
        raise ImageFileError(_("has a control character in its name"))
    root = settings.root.resolve()
    candidates = (
        [settings.root / name.lstrip("/"), settings.root / "static" / name.lstrip("/")]
        if name.startswith("/")
        else [settings.folder / name, settings.root / name]
    )
    for candidate in candidates:
        try:
            path = candidate.resolve(strict=True)
        except (OSError, RuntimeError):
            continue
        if not path.is_relative_to(root):
            raise ImageFileError(
                _("is outside the folder of the project"), _("Copy it into the folder of the issue.")
            )
        if path.is_file():
            return path
    raise ImageFileError(
        _("does not exist: {first} or {second}", first=str(candidates[0]), second=str(candidates[1]))
        if candidates[1:]
        else _("does not exist: {first}", first=str(candidates[0])),
        _("Check upper and lower case; the path begins at the folder of the issue."),
    )


def prepare_image(content: bytes, name: str, *, column: int, base: str = "") -> ImageFile:
    """Prepare an image for mailing: reduce and rotate it, and remove its metadata.

    An image that needs no change keeps its bytes. Raises ImageFileError.

    column: the maximum width in CSS pixels. The file gets at most two pixels for each CSS pixel.
    base: the URL below which the file is published, empty if it is embedded.
    """
    if name.lower().endswith((".svg", ".svgz")) or b"<svg" in content[:1000].lower():
        raise ImageFileError(
            _("is an SVG, which Gmail and Outlook do not show"),
            _("Export it as a PNG, {width} pixels wide.", width=2 * column),
        )
    try:
        with warnings.catch_warnings():
            # Pillow warns about wrong metadata, but such a photo can be used.
            warnings.simplefilter("ignore")
            warnings.simplefilter("error", Pillow.DecompressionBombWarning)
            made, kind, (width, height) = _fit(content, _is_double_resolution(name), column)
    except UnidentifiedImageError:
        raise ImageFileError(
            _("is not a PNG, JPEG or GIF"), _("Export it in one of these formats.")
        ) from None
    except (Pillow.DecompressionBombError, Pillow.DecompressionBombWarning):
        raise ImageFileError(
            _("has more than {millions} million pixels", millions=MAX_PIXELS // 1000000),
            _("Make it smaller."),
        ) from None
    except DAMAGE_ERRORS:
        raise ImageFileError(_("is damaged"), _("Export it again.")) from None
    if len(made) > MAX_IMAGE_SIZE:
        raise ImageFileError(
            _(
                "is still {size} when reduced to the width of the mail; the maximum is {maximum}",
                size=_size(len(made)),
                maximum=_size(MAX_IMAGE_SIZE),
            ),
            _("Save a photo as JPEG, or make it smaller."),
        )
    content_type, suffix = FORMATS[kind]
    stem = (
        re.sub(r"[^a-z0-9_-]+", "-", Path(name).stem.lower().replace(DOUBLE_RESOLUTION, "")).strip("-")
        or "image"
    )
    file_name = f"{stem[:60]}-{hashlib.sha256(made).hexdigest()[:8]}.{suffix}"
    return ImageFile(
        name=file_name,
        content_type=content_type,
        content=made,
        width=width,
        height=height,
        url=f"{base.rstrip('/')}/{file_name}" if base else "",
    )


def _is_double_resolution(name: str) -> bool:
    return Path(name).stem.lower().endswith(DOUBLE_RESOLUTION)


def _fit(content: bytes, double: bool, column: int) -> tuple[bytes, str, tuple[int, int]]:
    """Return the bytes to mail, their format, and the size in CSS pixels."""
    with Pillow.open(io.BytesIO(content), formats=tuple(FORMATS)) as image:
        # MPO is a JPEG with a second image in it, as some phones make.
        kind = "JPEG" if image.format == "MPO" else str(image.format)
        if image.width * image.height > MAX_PIXELS:
            raise Pillow.DecompressionBombError
        if max(image.size) > MAX_SIDE:
            raise ImageFileError(
                _("has more than {pixels} pixels on one side", pixels=MAX_SIDE), _("Make it smaller.")
            )
        image.load()
        upright = ImageOps.exif_transpose(image)
        shown = max(1, min(upright.width // 2 if double else upright.width, column))
        size = (shown, max(1, round(upright.height * shown / upright.width)))
        too_large = upright.width > 2 * shown
        if kind != "JPEG" and getattr(image, "is_animated", False):
            return _fit_animation(image, content, column, too_large=too_large), kind, size
        if not (too_large or _has_metadata(image) or image.mode == "CMYK"):
            return content, kind, size
        if too_large:
            upright = _resize(upright, (2 * shown, max(1, round(upright.height * 2 * shown / upright.width))))
        return _encode(upright, kind), kind, size


def _fit_animation(image: Pillow.Image, content: bytes, column: int, *, too_large: bool) -> bytes:
    """Return the bytes of an animation to mail, with all of its frames."""
    if too_large:
        raise ImageFileError(
            _("is animated and too wide"),
            _("Make it at most {width} pixels wide, or use an image without animation.", width=2 * column),
        )
    # The caller refuses a file that is too large. Counting its frames could take long.
    if len(content) > MAX_IMAGE_SIZE:
        return content
    if getattr(image, "n_frames", 1) > MAX_FRAMES:
        raise ImageFileError(
            _("has more than {count} frames", count=MAX_FRAMES),
            _("Make the animation shorter, or use an image without animation."),
        )
    return _encode_animation(image, str(image.format)) if _has_metadata(image) else content


def _has_metadata(image: Pillow.Image) -> bool:
    """Return True if the file contains metadata or a second image."""
    return image.format == "MPO" or bool(image.getexif()) or bool(METADATA_KEYS & image.info.keys())


def _resize(image: Pillow.Image, size: tuple[int, int]) -> Pillow.Image:
    # Colours of a palette cannot be mixed, so convert them first.
    if image.mode in {"P", "1"}:
        image = image.convert("RGBA" if "transparency" in image.info else "RGB")
    return image.resize(size, Pillow.Resampling.LANCZOS)


def _encode(image: Pillow.Image, kind: str) -> bytes:
    """Encode an image without its metadata, but with its colour profile."""
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


def _encode_animation(image: Pillow.Image, kind: str) -> bytes:
    """Encode all frames of an animation, with their times, but without metadata."""
    out = io.BytesIO()
    image.seek(0)
    image.info = {key: value for key, value in image.info.items() if key in ANIMATION_KEYS}
    image.save(out, kind, save_all=True, optimize=True)
    return out.getvalue()


def _size(count: int) -> str:
    return f"{count / 1_000_000:.1f} MB".replace(".0 ", " ")
