"""Unsubscribe by a page with a button, or by one click in a mail program (RFC 8058)."""

from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response

from moza_mail.errors import InvalidLink
from moza_mail.model.mailing_list import OptIn
from moza_mail.web.public.forms import read_body
from moza_mail.web.public.site import PublicSite, link_error

ONE_CLICK = b"One-Click"


class UnsubscribePages:
    """The pages to unsubscribe from a list.

    GET only shows a button, and POST unsubscribes, because virus scanners follow every link in a mail.
    """

    def __init__(self, site: PublicSite) -> None:
        self._site = site

    async def show(self, request: Request) -> Response:
        """Show the page with the button."""
        mailing_list, token = self._site.find_list_to_leave(request), request.path_params["token"]
        try:
            number = self._site.links.read_unsubscribe(mailing_list.slug, token)
        except InvalidLink as error:
            raise link_error(error) from None
        return self._site.page(
            request,
            "leave",
            mailing_list,
            action=self._site.path(request, "unsubscribe", mailing_list.slug, token),
            preferences_url=self._site.links.make_preferences_url(number)
            if len(self._site.lists) > 1
            else "",
        )

    async def unsubscribe(self, request: Request) -> Response:
        """Unsubscribe immediately. Repeated requests and erased subscribers get status 200 too."""
        mailing_list, token = self._site.find_list_to_leave(request), request.path_params["token"]
        sent = await read_body(request)
        try:
            await self._site.self_service.unsubscribe(mailing_list.slug, token, now=self._site.now())
        except InvalidLink as error:
            raise link_error(error) from None
        if ONE_CLICK in sent:
            return PlainTextResponse("unsubscribed\n")
        can_sign_up = mailing_list.opt_in is OptIn.DOUBLE
        sign_up_url = self._site.path(request, "lists", mailing_list.slug) if can_sign_up else ""
        return self._site.page(request, "left", mailing_list, sign_up_url=sign_up_url)
