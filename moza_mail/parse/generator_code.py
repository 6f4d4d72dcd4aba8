"""Replace the code of site generators (Hugo, Jekyll, Eleventy) where its meaning is clear.

Other code stays. The Markdown parser then refuses it, and names its line.
"""

import re

FENCE = re.compile(r"[ \t]*(?:[-*+>]|\d+\.)?[ \t]*(`{3,}|~{3,})")
CODE_SPAN = re.compile(r"(?<!`)(`+)(?!`)[^`\n]+\1(?!`)")
# This fence is longer than any fence in the code itself.
HIGHLIGHT_FENCE = "`" * 8
# References to pages by their file: {{< ref "about.md" >}}, {% link about.md %}.
REFERENCE = re.compile(
    r"\{\{[<%]\s*(?:rel)?ref\s+[\"'`]?([^\"'`\s]+?)(?:\.md)?[\"'`]?\s*[>%]\}\}"
    r"|\{%-?\s*link\s+([^\s%]+?)(?:\.md)?\s*-?%\}"
)
# The address of the site before a path: {{ site.baseurl }}/contact. The site of the project resolves the path.
SITE_ADDRESS = re.compile(
    r"(?<=[(\"'<])\{\{-?\s*site\.(?:base)?url\s*-?\}\}(?:\{\{-?\s*site\.baseurl\s*-?\}\})?/?"
    r"|(?<= )\{\{-?\s*site\.(?:base)?url\s*-?\}\}(?:\{\{-?\s*site\.baseurl\s*-?\}\})?/",
    re.IGNORECASE,
)
SITE_PATH = re.compile(
    r"\{\{-?\s*[\"']([^\"'\n{}|]*)[\"']\s*\|\s*(?:relative_url|absolute_url|relURL|absURL|url)\s*-?\}\}"
)
# Marks around HTML that a site shows unchanged: {{< rawhtml >}}.
RAW_HTML = re.compile(
    r"\{\{[<%]\s*/?\s*(?:rawhtml|raw-html|raw_html|unsafe|raw|html)\s*[>%]\}\}", re.IGNORECASE
)
RAW = re.compile(r"\{%-?\s*(end)?(?:raw|verbatim)\s*-?%\}")
COMMENT_START = re.compile(r"\{%-?\s*comment\s*-?%\}")
COMMENT_END = re.compile(r"\{%-?\s*endcomment\s*-?%\}")
HIGHLIGHT = re.compile(
    r"(?P<indent>[ \t]*)(?:\{%-?\s*(?:highlight\s+(?P<liquid>[\w+#-]+)[^%{}\n]*|(?P<end>end)highlight)\s*-?%\}"
    r"|\{\{[<%]\s*(?:highlight\s+(?P<hugo>[\w+#-]+)[^>%{}\n]*|/\s*highlight)\s*[>%]\}\})[ \t]*"
)
# Liquid tags that mean the same as a shortcode of Hugo.
INCLUDED_VIDEO = re.compile(
    r"\{%-?\s*include\s+(youtube|vimeo)[\w-]*\.(?:html|liquid)\s+([^%{}\n]+?)\s*-?%\}", re.IGNORECASE
)


def replace_generator_code(text: str) -> str:
    """Replace the shortcodes of site generators that have a known meaning, except in code.

    The number of lines stays the same, so that errors name the right line.
    """
    if "{{" not in text and "{%" not in text:
        return text
    rows: list[str] = []
    is_raw, fence = False, ""
    for row in text.split("\n"):
        found = HIGHLIGHT.fullmatch(row) if fence in {"", HIGHLIGHT_FENCE} and not is_raw else None
        if found:
            language = found["liquid"] or found["hugo"] or ""
            rows.append(f"{found['indent']}{HIGHLIGHT_FENCE}{language}")
            fence = HIGHLIGHT_FENCE if language else ""
            continue
        marks = FENCE.match(row)
        if fence:
            rows.append(RAW.sub("", row) if is_raw else row)
            fence = "" if marks and marks[1].startswith(fence) else fence
        elif marks:
            rows.append(row)
            fence = marks[1]
        else:
            replaced, is_raw = _replace_in_row(row, is_raw=is_raw)
            rows.append(replaced)
    return "\n".join(rows)


def _replace_in_row(row: str, *, is_raw: bool) -> tuple[str, bool]:
    """Return a line with its code replaced.

    The second value is True if the next line is still between `raw` and `endraw`.
    """
    if "{{" not in row and "{%" not in row:
        return row, is_raw
    out: list[str] = []
    position = 0
    for span in [*CODE_SPAN.finditer(row), None]:
        piece = row[position : span.start() if span else len(row)]
        for index, part in enumerate(_split_at_raw(piece)):
            if index % 2:
                is_raw = not part
            else:
                out.append(_escape_braces(part) if is_raw else _replace_in_prose(part))
        if span:
            out.append(span.group())
            position = span.end()
    return "".join(out), is_raw


def _split_at_raw(piece: str) -> list[str]:
    """Split a text at its `raw` and `endraw` tags.

    The result alternates between texts and tags. A tag is `end` for `endraw`, and an empty string for `raw`.
    """
    return [part or "" for part in RAW.split(piece)]


def _escape_braces(text: str) -> str:
    return text.replace("{{", "\\{\\{").replace("{%", "\\{%")


def _replace_in_prose(text: str) -> str:
    if "{" not in text:
        return text
    text = REFERENCE.sub(lambda found: found[1] or found[2], text)
    text = SITE_PATH.sub(r"\1", SITE_ADDRESS.sub("/", text))
    text = COMMENT_END.sub("-->", COMMENT_START.sub("<!--", RAW_HTML.sub("", text)))
    return INCLUDED_VIDEO.sub(r"{{< \1 \2 >}}", text)
