"""The page on which readers choose for themselves: which lists, what they are called, and in what language."""

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from moza_mail import subscribe
from moza_mail.errors import InvalidLink, SubscriptionError
from moza_mail.model.mailing_list import MailingList, OptIn
from moza_mail.model.sign_up import PreferenceChoice, Preferences
from moza_mail.model.subscriber import SubscriptionState
from moza_mail.web.public import forms
from moza_mail.web.public.service import Service, gone

SHOWN = "shown"
SAVED = "saved"


class Choosing:
    """The link proves whose page it is; what is shown of the address is masked, for a mail may have been passed on."""

    def __init__(self, service: Service) -> None:
        self._service = service

    async def ask(self, request: Request) -> Response:
        """How the reader stands, to change it."""
        held = await self._held(request)
        return self._page(request, held, held.subscriber.name, {})

    async def choose(self, request: Request) -> Response:
        """Do what was chosen. Of a list that was not on the page, nothing changes."""
        held = await self._held(request)
        sent = await forms.fields(request)
        on, ticked = _on(held), set(sent.get("lists", ()))
        offered = {one.slug: one for one in self._offered(held) if one.slug in sent.get(SHOWN, ())}
        joined = [one for slug, one in offered.items() if slug in ticked and slug not in on]
        lang = forms.first(sent, "lang")
        try:
            choice = PreferenceChoice(
                name=forms.first(sent, "name"),
                lang=lang if lang in self._service.look(None).languages else "",
                joins={one.slug: self._service.consent(request, one, held.subscriber.lang) for one in joined},
                leaves=tuple(slug for slug in offered if slug in on and slug not in ticked),
            )
        except SubscriptionError:
            return self._page(request, held, forms.first(sent, "name"), {"name": "name_wrong"})
        try:
            await subscribe.set_preferences(
                self._service.store,
                self._service.links,
                request.path_params["token"],
                choice,
                joined=joined,
                now=self._service.now(),
            )
        except InvalidLink as error:
            raise gone(error) from None
        back = self._service.path(request, "preferences", request.path_params["token"])
        return RedirectResponse(f"{back}{'&' if '?' in back else '?'}{SAVED}=1", 303)

    async def _held(self, request: Request) -> Preferences:
        try:
            return await subscribe.preferences(
                self._service.store, self._service.links, request.path_params["token"]
            )
        except InvalidLink as error:
            raise gone(error) from None

    def _offered(self, held: Preferences) -> tuple[MailingList, ...]:
        """The lists a reader may sign up to, and those they are on by what they said elsewhere, to leave them."""
        on = _on(held)
        return tuple(
            one for one in self._service.lists.values() if one.opt_in is OptIn.DOUBLE or one.slug in on
        )

    def _page(self, request: Request, held: Preferences, name: str, problems: dict[str, str]) -> Response:
        on, lang = _on(held), held.subscriber.lang
        return self._service.page(
            request,
            "preferences",
            wanted=lang,
            status=422 if problems else 200,
            action=self._service.path(request, "preferences", request.path_params["token"]),
            address=held.subscriber.address.mask(),
            suppressed=held.is_suppressed,
            saved=not problems and request.query_params.get(SAVED) == "1",
            problems=problems,
            given={"name": name, "lang": lang},
            known=self._service.look(None).languages,
            offered=[
                {
                    "slug": one.slug,
                    "title": one.title,
                    "on": one.slug in on,
                    "consent": "" if one.slug in on else self._service.consent(request, one, lang).text,
                    "consent_lang": self._service.consent_language(request, one, lang),
                }
                for one in self._offered(held)
            ],
        )


def _on(held: Preferences) -> frozenset[str]:
    confirmed = (one for one in held.subscriptions if one.state is SubscriptionState.CONFIRMED)
    return frozenset(one.list_slug for one in confirmed)
