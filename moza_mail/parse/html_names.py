"""The names of HTML elements that an issue may contain, and of elements that it may not."""

# Elements without a meaning of their own in a mail: only their content counts.
TRANSPARENT = frozenset(
    [
        "u",
        "small",
        "big",
        "span",
        "font",
        "ins",
        "abbr",
        "mark",
        "q",
        "center",
        "label",
        "time",
        "cite",
        "dfn",
        "var",
        "samp",
        "bdo",
        "bdi",
        "nobr",
        "tt",
        "ruby",
        "rb",
        "rt",
        "rp",
        "data",
        "address",
        "main",
        "header",
        "footer",
        "section",
        "article",
        "aside",
        "nav",
        "div",
        "hgroup",
        "figure",
        "figcaption",
        "picture",
        "noscript",
        "tbody",
        "thead",
        "tfoot",
    ]
)
BOLD = frozenset({"b", "strong"})
ITALIC = frozenset({"i", "em"})
STRUCK = frozenset({"s", "del", "strike"})
RAISED = frozenset({"sub", "sup"})
CODE = frozenset({"code", "kbd"})
VOID = frozenset({"br", "img", "hr", "wbr", "source", "link", "meta"})
# Elements that a mail program does not show. A link takes their place.
EMBEDDED = frozenset({"iframe", "video", "audio"})
# Elements without words for a reader. A script with code of its own may write words, and a drawing may
# contain words. Such scripts and drawings are refused.
DROPPED = frozenset({"script", "style", "svg"})
BLOCKS = frozenset(
    [
        "p",
        "div",
        "ul",
        "ol",
        "li",
        "blockquote",
        "pre",
        "table",
        "tr",
        "td",
        "th",
        "caption",
        "hr",
        "h1",
        "h2",
        "h3",
        "h4",
        "h5",
        "h6",
        "details",
        "summary",
        "dl",
        "dt",
        "dd",
        "section",
        "article",
        "aside",
        "main",
        "header",
        "footer",
        "nav",
        "figure",
        "figcaption",
        "center",
        "address",
        "tbody",
        "thead",
        "tfoot",
        "colgroup",
        "col",
    ]
)
# Elements that run a program or ask for input, which no mail program shows.
REFUSED = frozenset(
    [
        "object",
        "embed",
        "applet",
        "track",
        "canvas",
        "math",
        "form",
        "input",
        "button",
        "select",
        "option",
        "textarea",
        "fieldset",
        "frame",
        "frameset",
        "portal",
        "dialog",
        "progress",
        "meter",
        "marquee",
        "blink",
    ]
)
KNOWN = (
    TRANSPARENT
    | BOLD
    | ITALIC
    | STRUCK
    | RAISED
    | CODE
    | VOID
    | BLOCKS
    | EMBEDDED
    | DROPPED
    | REFUSED
    | frozenset({"a"})
)
