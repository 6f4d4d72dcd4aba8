"""A theme: a folder of templates, in memory."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from moza_mail.errors import AddressError, ThemeError, locate
from moza_mail.i18n import Translatable
from moza_mail.i18n import gettext as _
from moza_mail.model.address import Address
from moza_mail.model.image_file import ImageFile
from moza_mail.model.mailing_list import MailingList

# The values of `width` in theme.toml, and the margin at both sides of the text, in CSS pixels.
ALLOWED_WIDTHS = range(480, 801)
DEFAULT_WIDTH = 640
SIDE_MARGIN = 32


@dataclass(frozen=True, slots=True, kw_only=True)
class Theme:
    """The templates, texts and colours that issues are rendered with.

    settings: the contents of theme.toml.
    files: text files by their path in the theme (`partials/footer.mjml`).
    logo: the image that [logo] in theme.toml names.
    has_own_templates: True if the project replaces a template of the bundled themes, or adds one.

    `files` includes those of the bundled themes that the theme does not replace.
    """

    name: str
    settings: Mapping[str, Any]
    files: Mapping[str, str]
    logo: ImageFile | None = None
    has_own_templates: bool = False

    @property
    def width(self) -> int:
        """The width of the mail in CSS pixels. Raises ThemeError if the width is invalid."""
        width = self.settings.get("width", DEFAULT_WIDTH)
        if width not in ALLOWED_WIDTHS or isinstance(width, bool):
            raise self.setting_error(
                _(
                    "`width` must be a whole number from {least} to {most}",
                    least=ALLOWED_WIDTHS[0],
                    most=ALLOWED_WIDTHS[-1],
                ),
                _("Write `width = {width}`.", width=DEFAULT_WIDTH),
                key="width",
            )
        return int(width)

    @property
    def text_width(self) -> int:
        """The width of the text, which is also the maximum width of an image."""
        return self.width - 2 * SIDE_MARGIN

    def setting_error(self, problem: Translatable, hint: str, *, key: str = "") -> ThemeError:
        """Return the error for a setting in theme.toml, with the line of its key if the file has it."""
        text = self.files.get("theme.toml", "")
        found = (
            re.search(rf"^[ \t]*\[?[ \t]*{re.escape(key)}[ \t]*[\]=]", text, re.MULTILINE) if key else None
        )
        line = text.count("\n", 0, found.start()) + 1 if found else 0
        place = _("theme {theme}, {template}", theme=self.name, template="theme.toml")
        return ThemeError(
            locate(problem, place, line), theme=self.name, template="theme.toml", line=line, hint=hint
        )

    def read_template(self, path: str) -> str:
        """Return the text of a template. Raises ThemeError if the theme does not have it."""
        try:
            return self.files[path]
        except KeyError:
            raise ThemeError(
                _("theme {theme}: the file {path} is missing", theme=self.name, path=path),
                theme=self.name,
                template=path,
                hint=_(
                    "Put {path} in templates/{theme}, or choose another theme in moza-mail.toml.",
                    path=path,
                    theme=self.name,
                ),
            ) from None


@dataclass(frozen=True, slots=True, kw_only=True)
class Colophon:
    """The footer of every mail and page: the sender, the reason, and how to unsubscribe.

    address: the sender's mail address.
    view_url: the page of the issue on the web, empty if there is none.
    calendar_url: the calendar of the issue on the web, empty if there is none.
    archive_url: the page with earlier issues, empty if there is none.
    sign_up_url: the page where anyone can sign up to the list, empty if there is none.
    can_unsubscribe: True if every message gets a personal unsubscribe link.
    can_reply: True if somebody reads the answers to the mail.
    """

    sender_name: str
    list_title: str
    postal_address: str = ""
    contact: str = ""
    view_url: str = ""
    calendar_url: str = ""
    archive_url: str = ""
    sign_up_url: str = ""
    address: str = "nobody@moza-mail.invalid"
    can_unsubscribe: bool = False
    can_reply: bool = False

    @classmethod
    def for_list(
        cls,
        mailing_list: MailingList,
        *,
        view_url: str = "",
        calendar_url: str = "",
        sign_up_url: str = "",
        can_unsubscribe: bool = False,
    ) -> "Colophon":
        """Return the colophon of a list."""
        return cls(
            sender_name=mailing_list.sender_name or mailing_list.title,
            list_title=mailing_list.title,
            postal_address=mailing_list.postal_address,
            contact=mailing_list.contact,
            view_url=view_url,
            calendar_url=calendar_url,
            archive_url=mailing_list.archive_url,
            sign_up_url=sign_up_url,
            address=str(mailing_list.sender),
            can_unsubscribe=can_unsubscribe,
            can_reply=mailing_list.reply_to is not None,
        )

    @property
    def contact_url(self) -> str:
        """The contact as a link; empty if it is neither a web address nor a mail address.

        A mail address gets `mailto:`.
        """
        if self.contact.startswith(("https://", "http://", "mailto:")):
            return self.contact
        try:
            return f"mailto:{Address.parse(self.contact)}"
        except AddressError:
            return ""

    @property
    def domain(self) -> str:
        """The domain of the sender, for the identifiers of events and images."""
        return self.address.rpartition("@")[2]
