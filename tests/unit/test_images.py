"""Images: read only inside the project, reduced to the size in the mail, and refused with a hint."""

import contextlib
import email
import email.policy
import io
import struct
import zlib
from dataclasses import replace

import pytest
from lxml.html import document_fromstring
from PIL import Image as Pillow

from moza_mail import parse, render
from moza_mail.errors import IssueError, RenderError, ThemeError
from moza_mail.model.image_file import ImageFile
from moza_mail.model.issue import Image, find_images
from moza_mail.project import images as project_images
from moza_mail.project import themes
from moza_mail.project.images import ImageFileError, ImageSettings, prepare_image
from tests.integration.test_message_readers import message
from tests.support import builders as build

FRONT = "---\ntitle: Weekly\ndate: 2026-01-14\n---\n\n"
COLUMN = 576


def drawn(width=100, height=50, kind="PNG", mode="RGB", **saved):
    out = io.BytesIO()
    Pillow.new(mode, (width, height), 60).save(out, kind, **saved)
    return out.getvalue()


def photo(width, height, orientation=1):
    """Return a JPEG with the metadata of a phone: orientation and location."""
    exif = Pillow.Exif()
    exif[0x0112] = orientation
    exif[0x013B] = "Noor de Maker"
    exif.get_ifd(0x8825)[2] = (52.0, 4.0, 18.0)
    return drawn(width, height, "JPEG", exif=exif)


def bomb(width, height):
    """Return a PNG of a few bytes that claims to be enormous."""

    def chunk(name, data):
        return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))

    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", head)
        + chunk(b"IDAT", zlib.compress(b"\0"))
        + chunk(b"IEND", b"")
    )


def photo_exif():
    exif = Pillow.Exif()
    exif[0x013B] = "Noor de Maker"
    return exif


def animation(count, kind, **saved):
    """Return an animation of this many frames, each of another colour."""
    frames = [Pillow.new("RGB", (20, 10), (number % 256, number // 256, 9)) for number in range(count)]
    out = io.BytesIO()
    durations = [100 + 10 * (number % 50) for number in range(count)]
    frames[0].save(out, kind, save_all=True, append_images=frames[1:], duration=durations, loop=2, **saved)
    return out.getvalue()


def play(content):
    """Return the time and the colour of each frame."""
    with Pillow.open(io.BytesIO(content)) as image:
        found = []
        for number in range(image.n_frames):
            image.seek(number)
            found.append((image.info["duration"], image.convert("RGB").getpixel((5, 5))))
        return found


def opened(made: ImageFile):
    return Pillow.open(io.BytesIO(made.content))


@pytest.fixture
def project(tmp_path):
    root = tmp_path / "project"
    (root / "issues").mkdir(parents=True)
    return root


def image_settings(root, **fields):
    return ImageSettings(**{"folder": root / "issues", "root": root, "column": COLUMN, **fields})


def read(root, src, **fields):
    return project_images.read_images(
        [Image(src=src, alt="x", line=7)], "issues/a.md", image_settings(root, **fields)
    )[src]


class TestSize:
    @pytest.mark.parametrize(
        ("width", "shown", "kept"), [(100, 100, 100), (800, 576, 800), (1152, 576, 1152), (1153, 576, 1152), (4000, 576, 1152)]
    )  # fmt: skip
    @pytest.mark.slow
    def test_an_image_fits_the_column_with_at_most_two_pixels_for_each(self, width, shown, kept):
        made = prepare_image(drawn(width, width // 2), "a.png", column=COLUMN)
        assert (made.width, made.height) == (shown, round(width // 2 * shown / width))
        assert opened(made).width == kept

    def test_an_image_named_2x_is_shown_at_half_its_size(self):
        made = prepare_image(drawn(300, 80), "logo@2x.png", column=COLUMN)
        assert (made.width, made.height, made.name[:5]) == (150, 40, "logo-")
        assert opened(made).size == (300, 80)

    def test_an_image_that_needs_no_change_keeps_its_bytes(self):
        for kind, name in (("PNG", "a.png"), ("JPEG", "a.jpg"), ("GIF", "a.gif")):
            content = drawn(kind=kind)
            made = prepare_image(content, name, column=COLUMN)
            assert (made.content, made.content_type) == (content, f"image/{kind.lower()}")

    def test_the_format_is_that_of_the_content_not_of_the_name(self):
        assert prepare_image(drawn(kind="JPEG"), "a.png", column=COLUMN).content_type == "image/jpeg"

    def test_a_reduced_image_with_a_palette_stays_transparent(self):
        drawing = Pillow.new("P", (2000, 100), 0)
        drawing.putpalette([255, 0, 0, 0, 0, 255])
        out = io.BytesIO()
        drawing.save(out, "PNG", transparency=0)
        assert (
            opened(prepare_image(out.getvalue(), "a.png", column=COLUMN)).convert("RGBA").getpixel((5, 5))[3]
            == 0
        )


class TestMetadata:
    def test_location_and_camera_are_removed(self):
        made = prepare_image(photo(400, 300), "a.jpg", column=COLUMN)
        assert not opened(made).getexif()
        assert b"Noor" not in made.content
        assert b"Noor" in photo(400, 300)

    def test_a_photo_is_rotated_upright(self):
        made = prepare_image(photo(400, 300, orientation=6), "a.jpg", column=COLUMN)
        assert opened(made).size == (made.width, made.height) == (300, 400)

    def test_a_comment_in_an_image_is_removed(self):
        content = drawn(kind="JPEG", comment=b"voor intern gebruik")
        assert b"intern" not in prepare_image(content, "a.jpg", column=COLUMN).content

    def test_cmyk_becomes_rgb(self):
        assert opened(prepare_image(drawn(kind="JPEG", mode="CMYK"), "a.jpg", column=COLUMN)).mode == "RGB"


class TestRefusedImages:
    @pytest.mark.parametrize(
        ("content", "name", "why"),
        [
            (b"<svg xmlns='http://www.w3.org/2000/svg'/>", "a.svg", "is an SVG, which Gmail and Outlook do not show"),
            (b"<?xml version='1.0'?><svg/>", "a.png", "is an SVG"),
            (b"geen plaatje", "a.png", "is not a PNG, JPEG or GIF"),
            (b"", "a.png", "is not a PNG, JPEG or GIF"),
            (drawn()[:-30], "a.png", "is damaged"),
            (drawn(300, 300, "JPEG")[:400], "a.jpg", "is damaged"),
            (bomb(9000, 9000), "a.png", "has more than 40 million pixels"),
            (bomb(60_000, 60_000), "a.png", "has more than 40 million pixels"),
            (drawn(kind="BMP"), "a.bmp", "is not a PNG, JPEG or GIF"),
            (drawn(kind="WEBP"), "a.webp", "is not a PNG, JPEG or GIF"),
        ],
        ids=lambda value: value[:30] if isinstance(value, str) else "",
    )  # fmt: skip
    def test_an_unsupported_or_damaged_file_is_refused(self, content, name, why):
        with pytest.raises(ImageFileError, match=why):
            prepare_image(content, name, column=COLUMN)

    @pytest.mark.slow
    def test_an_image_that_stays_too_large_is_refused(self):
        out = io.BytesIO()
        Pillow.merge("RGB", [Pillow.effect_noise((1000, 1000), 90)] * 3).save(out, "PNG", compress_level=1)
        with pytest.raises(
            ImageFileError,
            match=r"is still \d\.\d MB when reduced to the width of the mail; the maximum is 1 MB",
        ):
            prepare_image(out.getvalue(), "a.png", column=COLUMN)

    def test_an_animation_that_is_too_wide_is_refused(self):
        frames = [Pillow.new("RGB", (1300, 20), colour) for colour in ("red", "blue")]
        out = io.BytesIO()
        frames[0].save(out, "GIF", save_all=True, append_images=frames[1:])
        with pytest.raises(ImageFileError, match="is animated"):
            prepare_image(out.getvalue(), "a.gif", column=COLUMN)

    @pytest.mark.parametrize("kind", ["GIF", "PNG"])
    def test_an_animation_with_metadata_keeps_its_frames_and_times(self, kind):
        content = animation(3, kind, comment=b"Made with a program", exif=photo_exif())
        made = prepare_image(content, "a.gif", column=COLUMN)
        assert [play(content), play(made.content)] == [play(content)] * 2
        assert len(play(made.content)) == 3
        assert (opened(made).info.get("comment"), dict(opened(made).getexif())) == (None, {})

    @pytest.mark.parametrize("kind", ["GIF", "PNG", "JPEG"])
    def test_a_file_cut_off_at_any_byte_is_mailed_or_refused(self, kind):
        content = animation(2, kind) if kind != "JPEG" else photo(9, 9)
        for length in range(len(content)):
            with contextlib.suppress(ImageFileError):
                prepare_image(content[:length], "a.gif", column=COLUMN)

    @pytest.mark.slow
    def test_an_animation_of_too_many_frames_is_refused(self):
        with pytest.raises(ImageFileError, match="has more than 1000 frames"):
            prepare_image(animation(1001, "GIF"), "a.gif", column=COLUMN)

    @pytest.mark.parametrize("size", [(1, 20_000_000), (20_000_000, 1)])
    def test_a_side_of_millions_of_pixels_is_refused_before_it_is_read(self, size):
        with pytest.raises(ImageFileError, match="has more than 20000 pixels on one side"):
            prepare_image(bomb(*size), "a.png", column=COLUMN)

    @pytest.mark.parametrize("start", [b"\xef\xbb\xbf", b"<?xml version='1.0'?>\n", b"<!-- drawing -->\n"])
    def test_a_drawing_with_the_name_of_a_photo_is_recognised(self, start):
        with pytest.raises(ImageFileError, match="is an SVG"):
            prepare_image(start + b"<svg xmlns='http://www.w3.org/2000/svg'/>", "a.png", column=COLUMN)


class TestLocation:
    def test_an_image_is_found_in_the_folder_of_the_issue_else_of_the_project(self, project):
        (project / "issues/a.png").write_bytes(drawn(10, 10))
        (project / "a.png").write_bytes(drawn(20, 20))
        (project / "b.png").write_bytes(drawn(30, 30))
        (project / "foto één.png").write_bytes(drawn(40, 40))
        widths = [
            read(project, src).width for src in ("a.png", "/a.png", "b.png", "foto%20%C3%A9%C3%A9n.png")
        ]
        assert widths == [10, 20, 30, 40]

    @pytest.mark.parametrize("src", ["../../secret.png", "/../secret.png", "%2e%2e/%2e%2e/secret.png", "link.png", "way/secret.png"])  # fmt: skip
    def test_an_image_outside_the_project_is_refused(self, project, src):
        secret = project.parent / "secret.png"
        secret.write_bytes(drawn())
        (project / "issues/link.png").symlink_to(secret)
        (project / "issues/way").symlink_to(project.parent)
        with pytest.raises(
            IssueError, match=r"^issues/a\.md, line 7: the image .* is outside the folder of the project"
        ):
            read(project, src)

    @pytest.mark.parametrize("src", ["x.png", "issues", "a%00.png", "a" * 300])
    def test_a_missing_image_is_refused_with_its_line(self, project, src):
        with pytest.raises(IssueError, match=r"line 7: the image"):
            read(project, src)

    def test_a_loop_of_symbolic_links_is_refused(self, project):
        (project / "issues/loop.png").symlink_to("loop.png")
        with pytest.raises(IssueError, match="does not exist"):
            read(project, "loop.png")

    def test_an_image_on_another_host_must_be_allowed(self, project):
        src = "https://beeld.example.org/a.png"
        with pytest.raises(IssueError, match="on another host"):
            read(project, src)
        assert read(project, src, hosts=("beeld.example.org",)).url == src
        with pytest.raises(IssueError, match="on another host"):
            read(project, "https://beeld.example.org.example.com/a.png", hosts=("beeld.example.org",))

    def test_with_an_asset_url_an_image_is_linked_by_a_name_with_its_hash(self, project):
        (project / "issues/Het Team.png").write_bytes(drawn())
        first = read(project, "Het%20Team.png", asset_url="https://example.org/mail/nr")
        (project / "issues/Het Team.png").write_bytes(drawn(90))
        second = read(project, "Het%20Team.png", asset_url="https://example.org/mail/nr")
        assert first.url.startswith("https://example.org/mail/nr/het-team-")
        assert first.url != second.url

    @pytest.mark.slow
    def test_the_total_size_of_embedded_images_is_limited(self, project):
        names = [f"{number}.png" for number in range(5)]
        noise = Pillow.effect_noise((900, 1000), 90)
        for number, name in enumerate(names):
            noise.putpixel((0, 0), number)
            noise.save(project / "issues" / name, compress_level=1)
        wanted = [Image(src=name, alt="x", line=7) for name in names]
        with pytest.raises(IssueError, match="larger than 3 MB in total"):
            project_images.read_images(wanted, "issues/a.md", image_settings(project))
        assert (
            len(
                project_images.read_images(
                    wanted, "issues/a.md", image_settings(project, asset_url="https://example.org/m")
                )
            )
            == 5
        )


def issue(body):
    return parse.parse_issue(FRONT + body, "issues/a.md", site_url="https://example.org")


class TestParsing:
    def test_an_image_keeps_its_name_and_needs_an_alternative_text(self):
        (found,) = find_images(issue("## A\n\n* x\n\n    > ![Het *team*](foto/team.png 'Titel')\n"))
        assert (found.src, found.alt, found.title, found.line) == ("foto/team.png", "Het team", "Titel", 10)

    def test_decoration_is_marked_explicitly(self):
        (found,) = find_images(issue('![""](lijn.png)\n'))
        assert found.alt == ""
        assert not found.lacks_alt

    @pytest.mark.parametrize("code", ["![](lijn.png)", "<img src='lijn.png'>", '{{< figure src="lijn.png" >}}', "[![](lijn.png)](https://example.org)"])  # fmt: skip
    def test_a_missing_alternative_text_is_recorded(self, code):
        (found,) = find_images(issue(f"{code}\n"))
        assert (found.alt, found.lacks_alt, found.line) == ("", True, 6)

    @pytest.mark.parametrize("src", ["data:image/png;base64,AAAA", "http://example.org/a.png", "mailto:a@example.org", "cid:a", ""])  # fmt: skip
    def test_a_forbidden_image_address_is_refused(self, src):
        with pytest.raises(IssueError, match="line 6: an image cannot come from"):
            issue(f"![x]({src})\n")

    def test_a_link_around_decoration_is_kept(self):
        made = rendered('[![""](team.png)](https://example.org/over)\n', {"team.png": MADE})
        assert "https://example.org/over" in made.text
        assert document_fromstring(made.html).xpath("//a[@href='https://example.org/over']/img/@alt") == [""]

    def test_adjacent_images_keep_their_texts_apart(self):
        made = rendered("![Een](a.png)![Twee](b.png)[![Drie](c.png)](https://example.org/c)\n", {})
        assert "Een Afbeelding: Twee Afbeelding: Drie" in made.text


MADE = ImageFile(name="team-1.png", content_type="image/png", content=drawn(1000), width=576, height=29)


def rendered(body, found, **options):
    return render.render_issue(
        issue(body), build.theme(), build.COLOPHON, zone=build.AMSTERDAM, images=found, **options
    )


class TestRendering:
    def test_an_image_has_its_text_and_size_and_is_embedded_once(self):
        body = '![Het team "lacht"](team.png)\n\n![Nog eens](team.png)\n'
        mail = rendered(body, {"team.png": MADE})
        shown = document_fromstring(mail.html).xpath("//img")
        (file,) = mail.attachments
        assert [(img.get("alt"), img.get("src")) for img in shown] == [
            ('Het team "lacht"', f"cid:{file.content_id}"),
            ("Nog eens", f"cid:{file.content_id}"),
        ]
        assert (shown[0].get("width"), shown[0].get("height")) == ("576", "29")
        # The image is at most as wide as the column. It also becomes narrower if images are off, unlike a fixed width.
        assert {"width:100%", "max-width:576px", "height:auto"} <= set(shown[0].get("style").split("; "))
        assert (file.filename, file.content) == ("team-1.png", MADE.content)
        assert 'Afbeelding: Het team "lacht"' in mail.text

    def test_decoration_has_an_empty_alt_and_is_not_in_the_text_part(self):
        mail = rendered('Voor\n\n![""](lijn.png)\n\nNa\n', {"lijn.png": MADE})
        assert document_fromstring(mail.html).xpath("//img/@alt") == [""]
        assert "Voor\n\nNa\n" in mail.text

    def test_without_the_file_of_an_image_its_alternative_text_is_shown(self):
        mail = rendered("![Het team](team.png)\n", {})
        assert "Afbeelding: Het team" in document_fromstring(mail.html).text_content()
        assert "<img" not in mail.html

    def test_a_linked_image_is_loaded_from_the_asset_url(self):
        mail = rendered("![x](a.png)\n", {"a.png": replace(MADE, url="https://example.org/nr/team-1.png")})
        assert document_fromstring(mail.html).xpath("//img/@src") == ["https://example.org/nr/team-1.png"]
        assert mail.attachments == ()

    def test_other_bytes_of_an_image_change_the_digest(self):
        other = {"a.png": replace(MADE, content=drawn(999))}
        assert (
            rendered("![x](a.png)\n", {"a.png": MADE}).compute_digest()
            != rendered("![x](a.png)\n", other).compute_digest()
        )

    def test_images_are_related_to_the_html_and_the_calendar_is_attached(self):
        body = "![x](a.png)\n\n## Agenda\n\n* Pulse: 3 februari\n"
        mail = rendered(body, {"a.png": MADE}, calendar=True)
        read = email.message_from_bytes(message(mail), policy=email.policy.SMTP)
        assert [part.get_content_type() for part in read.walk()] == [
            "multipart/mixed",
            "multipart/alternative",
            "text/plain",
            "multipart/related",
            "text/html",
            "image/png",
            "text/calendar",
        ]
        (image,) = (part for part in read.walk() if part.get_content_type() == "image/png")
        assert image.get_payload(decode=True) == MADE.content
        assert image.get_content_disposition() == "inline"
        assert f'src="cid:{image["Content-ID"][1:-1]}"' in mail.html

    def test_an_image_that_the_theme_does_not_show_is_not_mailed(self):
        inlines = (
            build.theme().files["partials/inlines.html"].replace('<img class="picture', '<br class="picture')
        )
        broken = build.theme_with({"partials/inlines.html": inlines})
        with pytest.raises(RenderError, match="which every recipient would get"):
            render.render_issue(
                issue("![x](a.png)\n"), broken, build.COLOPHON, zone=build.AMSTERDAM, images={"a.png": MADE}
            )


class TestLogo:
    @pytest.fixture
    def theme(self, tmp_path):
        (tmp_path / "huis/assets").mkdir(parents=True)
        (tmp_path / "huis/assets/logo@2x.png").write_bytes(drawn(400, 100))
        base = (build.ROOT / "templates/moza/theme.toml").read_text()

        def theme(logo, width=""):
            (tmp_path / "huis/theme.toml").write_text(f"{width}\n{base}\n[logo]\n{logo}\n")
            return themes.read_theme("huis", tmp_path)

        return theme

    @pytest.mark.parametrize(("alt", "named"), [("MijnOverheid Zakelijk", 0), ("", 1)])
    def test_a_logo_with_a_text_replaces_the_name_of_the_sender(self, theme, alt, named):
        mail = render.render_issue(
            build.issue(),
            theme(f'file = "assets/logo@2x.png"\nalt = "{alt}"'),
            build.COLOPHON,
            zone=build.AMSTERDAM,
        )
        tree = document_fromstring(mail.html)
        (img,) = tree.xpath("//img")
        assert (img.get("alt"), img.get("width"), img.get("height")) == (alt, "200", "50")
        assert f"cid:{mail.attachments[0].content_id}" == img.get("src")
        assert [each.text_content() for each in tree.find_class("sender")] == [
            "MijnOverheid Zakelijk"
        ] * named

    @pytest.mark.parametrize(
        ("logo", "why"),
        [
            ('file = "assets/logo@2x.png"', "needs `file` and `alt`"),
            ('file = "assets/x.png"\nalt = ""', r"names assets/x\.png, which does not exist"),
            ('file = "../../../secret"\nalt = ""', "which does not exist"),
        ],
    )
    def test_an_unusable_logo_is_refused(self, theme, logo, why):
        with pytest.raises(ThemeError, match=why):
            theme(logo)

    def test_an_invalid_width_of_the_theme_is_refused(self, theme):
        with pytest.raises(ThemeError, match="`width` must be a whole number from 480 to 800"):
            theme('file = "assets/logo@2x.png"\nalt = ""', "width = 4000")
