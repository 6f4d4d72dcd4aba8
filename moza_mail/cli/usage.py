"""Define groups of commands: write their help, and report missing arguments."""

from typing import Any

import typer
from typer.core import TyperGroup

from moza_mail.errors import ProjectError
from moza_mail.i18n import gettext as _


class CommandGroup(TyperGroup):
    """A group of commands. Raises ProjectError if an argument of a command is missing."""

    def format_commands(self, _context: Any, formatter: Any) -> None:
        """Write each command with its whole summary. Typer would cut long summaries off."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, command.help) for name, command in self.commands.items()])

    def invoke(self, ctx: Any) -> Any:
        """Run the command that was typed."""
        try:
            return super().invoke(ctx)
        except typer.BadParameter as error:
            # The error of a wrong value has a message, and the error of a missing value has none.
            if error.message or error.ctx is None or error.param is None:
                raise
            path = error.ctx.command_path
            parameters: list[Any] = [*error.ctx.command.params]
            arguments = [one.metavar for one in parameters if one.param_type_name == "argument"]
            options = [
                f"{one.opts[0]} TEXT" for one in parameters if one.required and one.metavar not in arguments
            ]
            name = error.param.metavar if error.param.metavar in arguments else error.param.opts[0]
            raise ProjectError(
                _("`{name}` is missing", name=str(name)),
                hint=_(
                    "Type: {command} (options: {path} --help)",
                    command=" ".join([path, *arguments, *options]),
                    path=path,
                ),
            ) from None
