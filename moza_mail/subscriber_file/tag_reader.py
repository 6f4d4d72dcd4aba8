"""Handle the XML tags that expat finds in the files of a workbook."""

from collections.abc import Callable, Mapping
from xml.parsers import expat

from moza_mail.subscriber_file.sheet_marks import SheetMarks, SheetTooLargeError

MAX_TAGS = 1000
MAX_PIECES = 100
"""The maximum number of pieces of a text. expat gives pieces of up to 8 kB."""
MAX_KEPT = 300_000
"""The maximum number of styles, names and notes that are kept. Excel has at most 65,490 formats of cells."""
FALSE = frozenset({"0", "false", "none"})
Attributes = Mapping[str, str]
TagHandler = Callable[[Attributes], None]


class TagReader:
    """Calls a handler for each start tag.

    handlers: the handlers by the name of the tag, without its prefix.
    parts: the sheets that were read; also an empty sheet for each XML file that is not a sheet.
    """

    def __init__(self, handlers: Mapping[str, TagHandler]) -> None:
        """Prepare to receive the tags of a workbook."""
        self.parts: list[SheetMarks] = []
        self._handlers = handlers
        self._by_tag: dict[str, TagHandler | None] = {}
        self._parser = expat.ParserCreate()
        self._text: list[str] = []
        self._kept = 0

    def begin(self, part: str, parser: expat.XMLParserType) -> None:
        """Prepare to receive the tags of the next XML file of the workbook."""
        self._part = part
        self._parser = parser

    def start(self, tag: str, attributes: Attributes) -> None:
        """Call the handler of a start tag, if it has one."""
        try:
            handler = self._by_tag[tag]
        except KeyError:
            handler = self._handlers.get(tag.rpartition(":")[2])
            if len(self._by_tag) < MAX_TAGS:
                self._by_tag[tag] = handler
        if handler:
            handler(attributes)

    def end(self) -> None:
        """Finish an XML file of the workbook."""

    def sheets(self) -> dict[str, SheetMarks]:
        """Return the sheets by name."""
        return {}

    def _collect_text(self, end: Callable[[str], None]) -> None:
        """Begin to collect text. `end` receives each end tag, and calls `_take_text` to finish."""
        self._text = []
        self._parser.CharacterDataHandler = self._add_text
        self._parser.EndElementHandler = end

    def _add_text(self, text: str) -> None:
        if len(self._text) < MAX_PIECES:
            self._text.append(text)

    def _keep(self) -> None:
        """Count an item that stays in memory; raise SheetTooLargeError if there are too many."""
        self._kept += 1
        if self._kept > MAX_KEPT:
            raise SheetTooLargeError

    def _take_text(self) -> str:
        self._parser.CharacterDataHandler = None
        self._parser.EndElementHandler = None
        return "".join(self._text)
