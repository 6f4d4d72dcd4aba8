"""Print the man page of moza-mail, made from its help.

usage: python packaging/man_page.py > moza-mail.1
"""

from collections.abc import Iterator

import typer
from typer.main import get_command

import moza_mail
from moza_mail.cli.app import app


def escape(text: str) -> str:
    """Escape the backslashes, hyphens and leading full stops in a text, which have a meaning in roff."""
    plain = " ".join(text.split()).replace("\\", "\\e").replace("-", "\\-")
    return f"\\&{plain}" if plain.startswith((".", "'")) else plain


def walk(command: typer.core.TyperGroup, name: str) -> Iterator[tuple[str, typer.core.TyperCommand]]:
    """Yield each command with its full name."""
    for part, child in sorted(command.commands.items()):
        full = f"{name} {part}"
        if hasattr(child, "commands"):
            yield from walk(child, full)
        else:
            yield full, child


def describe(command: typer.core.TyperCommand, name: str) -> Iterator[str]:
    """Yield the lines of one command: its usage, its help and its options."""
    context = typer.Context(command, info_name=name)
    yield f".SS {escape(' '.join([name, *command.collect_usage_pieces(context)]))}"
    yield escape(command.help or "")
    for parameter in command.get_params(context):
        record = parameter.get_help_record(context)
        if record and parameter.name != "help":
            yield ".TP"
            yield f".B {escape(record[0])}"
            yield escape(record[1])


def main() -> None:
    """Print the page."""
    program = get_command(app)
    lines = [
        f'.TH MOZA\\-MAIL 1 "" "moza\\-mail {moza_mail.__version__}"',
        ".SH NAME",
        f"moza\\-mail \\- {escape('compose a Markdown newsletter and mail it')}",
        ".SH SYNOPSIS",
        ".B moza\\-mail",
        "[\\fIOPTIONS\\fR] \\fICOMMAND\\fR [\\fIARGS\\fR]",
        ".SH DESCRIPTION",
        escape(program.help or ""),
        ".SH COMMANDS",
    ]
    for name, command in walk(program, "moza-mail"):
        lines += describe(command, name)
    lines += [
        ".SH EXIT STATUS",
        escape(
            "0 complete, 1 something is wrong, 2 wrong option or setting, 3 a person must look, 70 a bug,"
            " 75 try again later, 130 and 143 stopped."
        ),
        ".SH SEE ALSO",
        escape("The documentation is installed with the program: moza-mail help, moza-mail help TOPIC."),
    ]
    print("\n".join(lines))


main()
