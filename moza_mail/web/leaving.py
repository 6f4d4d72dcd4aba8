"""The pages by which a reader leaves a list, and the one-click of mail programs (RFC 8058)."""

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response

from moza_mail.compose import UNSUBSCRIBE
from moza_mail.errors import InvalidLink
from moza_mail.model.subscriber import MailingList, OptIn
from moza_mail.web.forms import body
from moza_mail.web.service import Service

ONE_CLICK = b"One-Click"


class Leaving:
    """GET shows a button, POST acts: programs that look into mail follow every link, and would take people off."""

    def __init__(self, service: Service) -> None:
        self._service = service

    async def ask(self, request: Request) -> Response:
        """The page with the button."""
        mailing_list, _ = self._meant(request)
        action = self._service.path(request, *self._parts(request))
        return self._service.page(request, "leave", mailing_list, action=action, preferences_url="")

    async def leave(self, request: Request) -> Response:
        """Take the reader off, at once; 200 also the second time, and for somebody who is gone altogether."""
        mailing_list, subscriber = self._meant(request)
        sent = await body(request)
        await self._service.store.unsubscribe(subscriber, mailing_list.slug, now=self._service.now())
        if ONE_CLICK in sent:
            return PlainTextResponse("unsubscribed\n")
        again = mailing_list.opt_in is OptIn.DOUBLE
        back = self._service.path(request, "lists", mailing_list.slug) if again else ""
        return self._service.page(request, "left", mailing_list, sign_up_url=back)

    def _parts(self, request: Request) -> tuple[str, str, str]:
        return "unsubscribe", request.path_params["slug"], request.path_params["token"]

    def _meant(self, request: Request) -> tuple[MailingList, int]:
        """The list and the reader's number; raise HTTPException 404 for a token that is not ours, telling nothing more."""
        mailing_list = self._service.lists.get(request.path_params["slug"])
        if mailing_list is None:
            raise HTTPException(404, "link_wrong")
        try:
            token = request.path_params["token"]
            return mailing_list, self._service.links.read(UNSUBSCRIBE, mailing_list.slug, token)
        except InvalidLink:
            raise HTTPException(404, "link_wrong") from None
