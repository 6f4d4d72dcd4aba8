"""`moza-mail confirmations`, and the same work beside the pages of a server: the mails that ask to confirm a sign-up."""

import asyncio
from collections import Counter
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from functools import partial

from moza_mail import compose, render, subscribe
from moza_mail.app import open_project, signing
from moza_mail.app.clock import now
from moza_mail.cli import output
from moza_mail.cli.run import run_async
from moza_mail.errors import MozaMailError, ProjectError, StoreLocked, SubscriptionError
from moza_mail.model.address import mask_addresses
from moza_mail.model.mailing import DeliveryState
from moza_mail.model.mailing_list import MailingList
from moza_mail.model.message import Envelope, Message
from moza_mail.model.sign_up import Confirmation
from moza_mail.model.theme import Theme
from moza_mail.project import CONFIG_FILE, Project
from moza_mail.store import Store

PATIENCE = 10
"""Seconds in which what is being mailed may be finished at the end."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Dressed:
    """The confirmations of a list in a language, ready to be filled."""

    theme: Theme
    lang: str
    compiled: compose.CompiledConfirmation


@dataclass(slots=True)
class Letters:
    """Composes a project's confirmations; what they share is rendered once for each list and language.

    Raises ProjectError when the project has no web to confirm at.
    """

    project: Project
    _lists: dict[str, MailingList] = field(init=False)
    _links: compose.Links = field(init=False)
    _themes: dict[str, Theme] = field(default_factory=dict)
    _known: dict[tuple[str, str], Dressed] = field(default_factory=dict)

    def __post_init__(self) -> None:
        config = self.project.config
        if not config.public_url:
            raise ProjectError(
                f"{self.project.root / CONFIG_FILE}: public_url is not set, so nobody could confirm a sign-up",
                hint='Write public_url = "https://newsletter.example.org", where `moza-mail serve` is reached.',
            )
        self._lists = self.project.read_lists()
        self._links = compose.Links(secret=self.project.read_secret(), public_url=config.public_url)

    def __call__(self, confirmation: Confirmation) -> tuple[Envelope, Message]:
        """The message of one; raises SubscriptionError when its list is not there any more."""
        mailing_list = self._lists.get(confirmation.list_slug)
        if mailing_list is None:
            raise SubscriptionError(f"there is no list {confirmation.list_slug} any more")
        config = self.project.config
        theme = self._theme(mailing_list.theme or config.theme)
        lang = spoken(theme, confirmation.lang, mailing_list.lang)
        dressed = self._known.get((mailing_list.slug, lang))
        if dressed is None:
            dressed = self._known[mailing_list.slug, lang] = self._dress(mailing_list, theme, lang)
        until = render.format_expiry(dressed.theme, lang, confirmation.expires_at.astimezone(config.zone))
        return dressed.compiled.message(confirmation, until)

    def _theme(self, name: str) -> Theme:
        if name not in self._themes:
            self._themes[name] = self.project.read_theme(name)
        return self._themes[name]

    def _dress(self, mailing_list: MailingList, theme: Theme, lang: str) -> Dressed:
        config = self.project.config
        identity = compose.Identity(
            keys=signing.load_signing_keys(self.project, mailing_list), bounce_domain=config.bounce_domain
        )
        compiled = compose.compile_confirmation(
            render.render_confirmation(mailing_list, theme, lang),
            mailing_list,
            self._links,
            zone=config.zone,
            identity=identity,
        )
        return Dressed(theme=theme, lang=lang, compiled=compiled)


def spoken(theme: Theme, wanted: str, otherwise: str) -> str:
    """The language that is wanted when the theme has its sentences, or else the list's own."""
    has = f"locale/{wanted.lower().split('-')[0]}.toml" in theme.files
    return wanted if wanted and has else otherwise


@asynccontextmanager
async def beside(project: Project, store: Store) -> AsyncGenerator[None]:
    """Mail confirmations as they come while something else is done, such as serving pages."""
    rounds = subscribe.Rounds(clock=now, rates=project.config.rate_limits, trouble=_troubled)
    kept = subscribe.keep_confirming(
        store,
        partial(open_project.open_transport, project),
        Letters(project),
        rounds,
        who="moza-mail serve",
    )
    task = asyncio.create_task(kept)
    try:
        yield
    finally:
        rounds.stop.set()
        # A relay that does not answer is not waited for: what is in hand is in the ledger.
        with suppress(TimeoutError):
            await asyncio.wait_for(task, PATIENCE)


def _troubled(error: Exception) -> None:
    said = (
        error.message if isinstance(error, MozaMailError) else f"this is our mistake ({type(error).__name__})"
    )
    output.say(f"Confirmations wait a minute: {mask_addresses(said)}")


def confirmations(project: Project, *, as_json: bool) -> int:
    """Mail the confirmations that are due, and say what became of them; give the exit code."""

    async def work() -> tuple[Counter[DeliveryState], dict[DeliveryState, int]]:
        letters = Letters(project)
        async with (
            open_project.open_transport(project) as transport,
            open_project.open_store(project) as store,
        ):
            async with store.confirmations.sending("moza-mail confirmations"):
                rounds = subscribe.Rounds(clock=now, rates=project.config.rate_limits, trouble=_troubled)
                became = await subscribe.deliver_confirmations(store, transport, letters, rounds)
            return became, await store.confirmations.counts()

    try:
        became, counts = run_async(work)
    except StoreLocked as error:
        output.say(f"{error.message} {error.hint}")
        return 0
    waiting = counts[DeliveryState.PENDING] + counts[DeliveryState.DEFERRED]
    if as_json:
        output.give_json({**{state.value: became[state] for state in DeliveryState}, "waiting": waiting})
    else:
        shown = ", ".join(f"{count} {state}" for state, count in became.items()) or "none was due"
        output.give(f"Confirmations: {shown}; {waiting} waiting")
    return 0
