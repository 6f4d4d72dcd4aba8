"""Theme: a folder of templates, already in memory."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from moza_mail.errors import AddressError, ThemeError
from moza_mail.i18n import gettext as _
from moza_mail.model.address import Address
from moza_mail.model.image_file import ImageFile
from moza_mail.model.mailing_list import MailingList

# What theme.toml may set `width` to, and what a template leaves free at both sides of the text.
ALLOWED_WIDTHS = range(480, 801)
DEFAULT_WIDTH = 640
SIDE_MARGIN = 32


@dataclass(frozen=True, slots=True, kw_only=True)
class Theme:
    """How an issue is dressed.

    `settings` is theme.toml as read. `files` maps a path inside the theme (`partials/header.mjml`) to its text, `assets`
    one (`assets/logo.png`) to its bytes; both already hold what falls back to the bundled themes. `logo` is the image
    that `[logo]` of the settings names.
    """

    name: str
    settings: Mapping[str, Any]
    files: Mapping[str, str]
    assets: Mapping[str, bytes]
    logo: ImageFile | None = None

    @property
    def width(self) -> int:
        """How wide the mail is, in CSS pixels; raise ThemeError when the settings name no usable width."""
        width = self.settings.get("width", DEFAULT_WIDTH)
        if width not in ALLOWED_WIDTHS or isinstance(width, bool):
            raise ThemeError(
                _(
                    "theme {theme}: theme.toml width must be a whole number from {least} to {most}",
                    theme=self.name,
                    least=ALLOWED_WIDTHS[0],
                    most=ALLOWED_WIDTHS[-1],
                ),
                theme=self.name,
                template="theme.toml",
                hint=_("Write width = {width}.", width=DEFAULT_WIDTH),
            )
        return int(width)

    @property
    def text_width(self) -> int:
        """How wide its text is, and so the widest an image is shown."""
        return self.width - 2 * SIDE_MARGIN

    def read_template(self, path: str) -> str:
        """The text of one template; raise ThemeError naming it when the theme has none."""
        try:
            return self.files[path]
        except KeyError:
            raise ThemeError(
                _("theme {theme}: {path} is missing", theme=self.name, path=path),
                theme=self.name,
                template=path,
                hint=_(
                    "Put {path} in templates/{theme}, or name another theme in moza-mail.toml.",
                    path=path,
                    theme=self.name,
                ),
            ) from None


@dataclass(frozen=True, slots=True, kw_only=True)
class Colophon:
    """What a mail says about its sender, beside the issue: who mails, why, and how to leave.

    `address` is the one it is mailed from. `view_url` is the issue on the web, empty when it has no page; `calendar_url`
    its calendar there. `can_unsubscribe` tells whether every message will
    carry its reader's own unsubscribe link (then the slot `unsubscribe_url` is left open for it).
    """

    sender_name: str
    list_title: str
    postal_address: str = ""
    contact: str = ""
    view_url: str = ""
    calendar_url: str = ""
    address: str = "nobody@moza-mail.invalid"
    can_unsubscribe: bool = False

    @classmethod
    def for_list(
        cls,
        mailing_list: MailingList,
        *,
        view_url: str = "",
        calendar_url: str = "",
        can_unsubscribe: bool = False,
    ) -> "Colophon":
        """Return what every mail and page of a list says about its sender."""
        return cls(
            sender_name=mailing_list.sender_name or mailing_list.title,
            list_title=mailing_list.title,
            postal_address=mailing_list.postal_address,
            contact=mailing_list.contact,
            view_url=view_url,
            calendar_url=calendar_url,
            address=str(mailing_list.sender),
            can_unsubscribe=can_unsubscribe,
        )

    @property
    def contact_url(self) -> str:
        """The contact as a link: a web address as it is, a mail address with mailto, empty for other words."""
        if self.contact.startswith(("https://", "http://", "mailto:")):
            return self.contact
        try:
            return f"mailto:{Address.parse(self.contact)}"
        except AddressError:
            return ""

    @property
    def domain(self) -> str:
        """What identifiers of events and images end in: the sender's own."""
        return self.address.rpartition("@")[2]
