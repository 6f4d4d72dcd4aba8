"""Mail sign-up confirmations: once, or continuously while the public pages are served."""

import asyncio
from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from moza_mail import compose, render, subscribe
from moza_mail.app.background import keep_running
from moza_mail.app.clock import now
from moza_mail.app.login_backoff import RELAY, forget_refusal, open_relay_for_cron
from moza_mail.app.open_project import open_store
from moza_mail.app.signing import load_signing_keys
from moza_mail.errors import AuthenticationRefused, ListError, ProjectError, SubscriptionError
from moza_mail.i18n import gettext as _
from moza_mail.model.mailing import DeliveryState
from moza_mail.model.mailing_list import MailingList
from moza_mail.model.message import Envelope, Message
from moza_mail.model.sign_up import Confirmation
from moza_mail.model.theme import Theme
from moza_mail.project import CONFIG_FILE, Project
from moza_mail.store import Store

SHUTDOWN_SECONDS = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class ConfirmationTemplate:
    """The compiled confirmation mail of a list in one language."""

    theme: Theme
    lang: str
    compiled: compose.CompiledConfirmation


@dataclass(slots=True)
class ConfirmationComposer:
    """Composes a project's confirmations. Renders one template for each list and language.

    Raises ProjectError if the project has no `public_url`.
    """

    project: Project
    _lists: dict[str, MailingList] = field(init=False)
    _faults: dict[str, ListError] = field(init=False)
    _links: compose.SignedLinks = field(init=False)
    _themes: dict[str, Theme] = field(default_factory=dict)
    _templates: dict[tuple[str, str], ConfirmationTemplate] = field(default_factory=dict)

    def __post_init__(self) -> None:
        config = self.project.config
        if not config.public_url:
            raise ProjectError(
                _(
                    "{path}: `public_url` is not set, so nobody can confirm a sign-up",
                    path=str(self.project.root / CONFIG_FILE),
                ),
                hint=_(
                    'Write public_url = "https://newsletter.example.org", the address of moza-mail serve.'
                ),
            )
        self._lists = self.project.read_lists()
        self._faults = self.project.find_list_faults()
        self._links = compose.SignedLinks(secret=self.project.read_secret(), public_url=config.public_url)

    def __call__(self, confirmation: Confirmation) -> tuple[Envelope, Message]:
        """Compose one confirmation.

        Raises SubscriptionError if its list no longer exists, and ListError if the list's table must be corrected first.
        """
        if fault := self._faults.get(confirmation.list_slug):
            raise fault
        mailing_list = self._lists.get(confirmation.list_slug)
        if mailing_list is None:
            raise SubscriptionError(
                _("the list {list_slug} no longer exists", list_slug=confirmation.list_slug)
            )
        config = self.project.config
        theme = self._theme(mailing_list.theme or config.theme)
        lang = choose_language(theme, confirmation.lang, mailing_list.lang)
        template = self._templates.get((mailing_list.slug, lang))
        if template is None:
            template = self._templates[mailing_list.slug, lang] = self._compile(mailing_list, theme, lang)
        until = render.format_expiry(template.theme, lang, confirmation.expires_at.astimezone(config.zone))
        return template.compiled.compose_message(confirmation, until)

    def _theme(self, name: str) -> Theme:
        if name not in self._themes:
            self._themes[name] = self.project.read_theme(name)
        return self._themes[name]

    def _compile(self, mailing_list: MailingList, theme: Theme, lang: str) -> ConfirmationTemplate:
        config = self.project.config
        compiled = compose.compile_confirmation(
            render.render_confirmation(mailing_list, theme, lang),
            mailing_list,
            self._links,
            zone=config.zone,
            identity=compose.SenderIdentity(
                keys=load_signing_keys(self.project, mailing_list), bounce_domain=config.bounce_domain
            ),
        )
        return ConfirmationTemplate(theme=theme, lang=lang, compiled=compiled)


def choose_language(theme: Theme, wanted: str, fallback: str) -> str:
    """Return the wanted language if the theme has it, else the fallback."""
    is_known = f"locale/{wanted.lower().split('-')[0]}.toml" in theme.files
    return wanted if wanted and is_known else fallback


@dataclass(frozen=True, slots=True, kw_only=True)
class ConfirmationsReport:
    """Counts of the outcomes of one run.

    outcomes: the number of confirmations handled in this run, by resulting state.
    waiting: the number of confirmations that are still to be mailed.
    has_errors: True if a confirmation waits until a person corrects a list, a theme or a setting.
    """

    outcomes: Mapping[DeliveryState, int]
    waiting: int
    has_errors: bool = False

    def as_data(self) -> dict[str, Any]:
        """Return the report as JSON values."""
        counts = {state.value: self.outcomes.get(state, 0) for state in DeliveryState}
        return {**counts, "waiting": self.waiting}


async def send_confirmations(
    project: Project, on_error: Callable[[Exception], None], *, is_by_hand: bool
) -> ConfirmationsReport:
    """Mail the confirmations that are due; raise StoreLocked if another process mails them.

    is_by_hand: True if a person started the run. Then a login that the relay refused before is tried again.
    on_error: receives each error that does not end the run.
    """
    composer = ConfirmationComposer(project)
    errors: list[Exception] = []

    def report(error: Exception) -> None:
        errors.append(error)
        on_error(error)

    async with open_store(project) as store, AsyncExitStack() as stack:
        if is_by_hand:
            await forget_refusal(store, project, RELAY)
        transport = await stack.enter_async_context(open_relay_for_cron(project, store))
        async with store.confirmations.hold_sender_lock("moza-mail confirmations"):
            settings = _make_settings(project, report)
            outcomes = await subscribe.deliver_confirmations(store, transport, composer, settings)
        counts = await store.confirmations.count_by_state()
    waiting = counts[DeliveryState.PENDING] + counts[DeliveryState.DEFERRED]
    return ConfirmationsReport(outcomes=outcomes, waiting=waiting, has_errors=bool(errors))


async def list_uncertain(project: Project) -> list[Confirmation]:
    """Return the uncertain confirmations: the relay may have accepted them, or not.

    This also works while another process mails confirmations.
    """
    async with open_store(project) as store:
        return await store.confirmations.list_uncertain()


@asynccontextmanager
async def keep_sending_confirmations(
    project: Project, store: Store, on_error: Callable[[Exception], None]
) -> AsyncGenerator[None]:
    """Mail due confirmations in a background task until the context manager exits.

    on_error: receives each error. The task continues after it.
    """
    settings = _make_settings(project, _report_refusal_once(on_error))
    composer = ConfirmationComposer(project)
    transports = partial(open_relay_for_cron, project, store)

    async def send() -> None:
        await subscribe.keep_delivering_confirmations(
            store, transports, composer, settings, purpose="moza-mail serve"
        )

    task = asyncio.create_task(keep_running(send, settings.stop, on_error))
    try:
        yield
    finally:
        settings.stop.set()
        # Do not wait longer for a relay that does not answer: the ledger records what was being sent.
        with suppress(TimeoutError):
            await asyncio.wait_for(task, SHUTDOWN_SECONDS)


def _report_refusal_once(on_error: Callable[[Exception], None]) -> Callable[[Exception], None]:
    """Return a callback that passes errors to `on_error`.

    If the relay refuses the login again and again, only the first refusal is passed on.
    """
    is_reported = False

    def report(error: Exception) -> None:
        nonlocal is_reported
        if not (is_reported and isinstance(error, AuthenticationRefused)):
            on_error(error)
        is_reported = isinstance(error, AuthenticationRefused)

    return report


def _make_settings(project: Project, on_error: Callable[[Exception], None]) -> subscribe.ConfirmationSettings:
    return subscribe.ConfirmationSettings(clock=now, rates=project.config.rate_limits, on_error=on_error)
