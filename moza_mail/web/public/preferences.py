"""The page on which subscribers change their lists, their name and their language."""

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from moza_mail.errors import InvalidLink, SubscriptionError
from moza_mail.model.mailing_list import MailingList, OptIn
from moza_mail.model.sign_up import PreferenceChoice, Preferences
from moza_mail.model.subscriber import SubscriptionState
from moza_mail.web.public import forms
from moza_mail.web.public.site import PublicSite, link_error

SHOWN_FIELD = "shown"
FIELDS = {"name", "lang", SHOWN_FIELD}
SAVED_PARAMETER = "saved"


class PreferencesPage:
    """The page with the preferences of one subscriber.

    A signed link in a mail identifies the subscriber. The page masks the address, because the mail may have been
    forwarded to another person.
    """

    def __init__(self, site: PublicSite) -> None:
        self._site = site

    async def show(self, request: Request) -> Response:
        """Show the form with the current preferences."""
        held = await self._load(request)
        return self._page(request, held, held.subscriber.name, {})

    async def save(self, request: Request) -> Response:
        """Save the submitted form. Values that are missing in the form do not change."""
        held = await self._load(request)
        sent = await forms.read_form(request)
        if not FIELDS & sent.keys():
            return self._page(request, held, held.subscriber.name, {})
        on, ticked = _confirmed_lists(held), set(sent.get("lists", ()))
        offered = {one.slug: one for one in self._offered(held) if one.slug in sent.get(SHOWN_FIELD, ())}
        joined = [one for slug, one in offered.items() if slug in ticked and slug not in on]
        lang = forms.first_value(sent, "lang") if "lang" in sent else held.subscriber.lang
        name = forms.first_value(sent, "name") if "name" in sent else held.subscriber.name
        try:
            choice = PreferenceChoice(
                name=name,
                lang=lang if lang in self._site.site_theme(None).languages else "",
                joins={
                    one.slug: self._site.make_consent(request, one, held.subscriber.lang) for one in joined
                },
                leaves=tuple(slug for slug in offered if slug in on and slug not in ticked),
            )
        except SubscriptionError:
            return self._page(request, held, name, {"name": "name_wrong"})
        try:
            await self._site.self_service.save_preferences(
                request.path_params["token"],
                choice,
                joined=joined,
                now=self._site.now(),
            )
        except InvalidLink as error:
            raise link_error(error) from None
        back = self._site.path(request, "preferences", request.path_params["token"])
        return RedirectResponse(f"{back}{'&' if '?' in back else '?'}{SAVED_PARAMETER}=1", 303)

    async def _load(self, request: Request) -> Preferences:
        try:
            return await self._site.self_service.load_preferences(request.path_params["token"])
        except InvalidLink as error:
            raise link_error(error) from None

    def _offered(self, held: Preferences) -> tuple[MailingList, ...]:
        """Return the lists to show: lists open for sign-up, and other lists of the subscriber.

        The subscriber can leave a list that is not open for sign-up, but cannot join it.
        """
        on = _confirmed_lists(held)
        return tuple(one for one in self._site.lists.values() if one.opt_in is OptIn.DOUBLE or one.slug in on)

    def _page(self, request: Request, held: Preferences, name: str, problems: dict[str, str]) -> Response:
        on, lang = _confirmed_lists(held), held.subscriber.lang
        return self._site.page(
            request,
            "preferences",
            wanted=lang,
            status=422 if problems else 200,
            action=self._site.path(request, "preferences", request.path_params["token"]),
            address=held.subscriber.address.mask(),
            suppressed=held.is_suppressed,
            saved=not problems and request.query_params.get(SAVED_PARAMETER) == "1",
            problems=problems,
            given={"name": name, "lang": lang},
            known=self._site.site_theme(None).languages,
            offered=[
                {
                    "slug": one.slug,
                    "title": one.title,
                    "on": one.slug in on,
                    "consent": "" if one.slug in on else self._site.make_consent(request, one, lang).text,
                    "consent_lang": self._site.consent_language(request, one, lang),
                }
                for one in self._offered(held)
            ],
        )


def _confirmed_lists(held: Preferences) -> frozenset[str]:
    confirmed = (one for one in held.subscriptions if one.state is SubscriptionState.CONFIRMED)
    return frozenset(one.list_slug for one in confirmed)
