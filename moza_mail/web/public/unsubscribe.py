"""The pages by which a reader leaves a list, and the one-click of mail programs (RFC 8058)."""

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response

from moza_mail import subscribe
from moza_mail.errors import InvalidLink
from moza_mail.model.mailing_list import MailingList, OptIn
from moza_mail.web.public.forms import body
from moza_mail.web.public.service import Service, gone

ONE_CLICK = b"One-Click"


class Leaving:
    """GET shows a button, POST acts: programs that look into mail follow every link, and would take people off."""

    def __init__(self, service: Service) -> None:
        self._service = service

    async def ask(self, request: Request) -> Response:
        """The page with the button."""
        mailing_list, token = self._meant(request)
        try:
            number = self._service.links.read_unsubscribe(mailing_list.slug, token)
        except InvalidLink as error:
            raise gone(error) from None
        return self._service.page(
            request,
            "leave",
            mailing_list,
            action=self._service.path(request, "unsubscribe", mailing_list.slug, token),
            preferences_url=self._service.links.make_preferences_url(number)
            if len(self._service.lists) > 1
            else "",
        )

    async def leave(self, request: Request) -> Response:
        """Take the reader off, at once; 200 also the second time, and for somebody who is gone altogether."""
        mailing_list, token = self._meant(request)
        sent = await body(request)
        try:
            await subscribe.leave(
                self._service.store, self._service.links, mailing_list.slug, token, now=self._service.now()
            )
        except InvalidLink as error:
            raise gone(error) from None
        if ONE_CLICK in sent:
            return PlainTextResponse("unsubscribed\n")
        again = mailing_list.opt_in is OptIn.DOUBLE
        back = self._service.path(request, "lists", mailing_list.slug) if again else ""
        return self._service.page(request, "left", mailing_list, sign_up_url=back)

    def _meant(self, request: Request) -> tuple[MailingList, str]:
        mailing_list = self._service.lists.get(request.path_params["slug"])
        if mailing_list is None:
            raise HTTPException(404, "link_wrong")
        return mailing_list, request.path_params["token"]
