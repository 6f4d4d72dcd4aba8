"""Receive the tags of the files of a workbook from expat."""

from collections.abc import Callable, Mapping
from xml.parsers import expat

from moza_mail.subscriber_file.sheet_marks import SheetMarks

MAX_TAGS = 1000
FALSE = frozenset({"0", "false", "none"})
Attributes = Mapping[str, str]
TagHandler = Callable[[Attributes], None]


class TagReader:
    """Call a handler for each start tag, by the name of the tag without its prefix.

    parts: the sheets, and an empty sheet for each other file.
    """

    def __init__(self, handlers: Mapping[str, TagHandler]) -> None:
        """Prepare to receive the tags of a workbook."""
        self.parts: list[SheetMarks] = []
        self._handlers = handlers
        self._by_tag: dict[str, TagHandler | None] = {}
        self._parser = expat.ParserCreate()
        self._text: list[str] = []

    def begin(self, part: str, parser: expat.XMLParserType) -> None:
        """Begin with a file of the workbook."""
        self._part = part
        self._parser = parser

    def start(self, tag: str, attributes: Attributes) -> None:
        """Receive a start tag."""
        try:
            handler = self._by_tag[tag]
        except KeyError:
            handler = self._handlers.get(tag.rpartition(":")[2])
            if len(self._by_tag) < MAX_TAGS:
                self._by_tag[tag] = handler
        if handler:
            handler(attributes)

    def end(self) -> None:
        """End a file of the workbook."""

    def sheets(self) -> dict[str, SheetMarks]:
        """Return the sheets by name."""
        return {}

    def _collect_text(self, end: Callable[[str], None]) -> None:
        """Collect the text until `end`, which receives each end tag, calls `_take_text`."""
        self._text = []
        self._parser.CharacterDataHandler = self._text.append
        self._parser.EndElementHandler = end

    def _take_text(self) -> str:
        self._parser.CharacterDataHandler = None
        self._parser.EndElementHandler = None
        return "".join(self._text)
