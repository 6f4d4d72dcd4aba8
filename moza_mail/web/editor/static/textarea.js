// Changes of a text area that the browser's own undo can take back, like typed text.

// Replace a range of the text. Only execCommand adds a change to the undo history; without it the text is set anyway.
export function replace(area, start, stop, text) {
  area.focus({ preventScroll: true });
  area.setSelectionRange(start, stop);
  const typed = text === "" ? document.execCommand("delete") : document.execCommand("insertText", false, text);
  if (typed && area.value.slice(start, start + text.length) === text) return;
  area.setRangeText(text, start, area.selectionEnd, "end");
  area.dispatchEvent(new Event("input", { bubbles: true }));
}

// Set the text by replacing only its changed range, so that the undo history and the scroll position stay.
export function setText(area, text) {
  const old = area.value;
  if (old === text) return;
  let first = 0;
  while (first < old.length && first < text.length && old[first] === text[first]) first += 1;
  let last = 0;
  while (last < old.length - first && last < text.length - first && old[old.length - 1 - last] === text[text.length - 1 - last]) last += 1;
  const top = area.scrollTop;
  replace(area, first, old.length - last, text.slice(first, text.length - last));
  area.scrollTop = top;
}

const lineStart = (area, at) => area.value.lastIndexOf("\n", at - 1) + 1;
const lineStop = (area, at) => (area.value.indexOf("\n", at) + 1 || area.value.length + 1) - 1;

export function bold(area) {
  const { selectionStart: start, selectionEnd: stop, value } = area;
  if (value.slice(start - 2, start) === "**" && value.slice(stop, stop + 2) === "**") {
    replace(area, start - 2, stop + 2, value.slice(start, stop));
    area.setSelectionRange(start - 2, stop - 2);
    return;
  }
  replace(area, start, stop, `**${value.slice(start, stop)}**`);
  area.setSelectionRange(start + 2, stop + 2);
}

export function link(area, empty) {
  const { selectionStart: start, selectionEnd: stop, value } = area;
  const chosen = value.slice(start, stop);
  const isAddress = /^(https?:|mailto:)\S+$/.test(chosen);
  const text = isAddress ? empty : chosen || empty;
  const address = isAddress ? chosen : "https://";
  replace(area, start, stop, `[${text}](${address})`);
  const at = isAddress || !chosen ? start + 1 : start + text.length + 3;
  area.setSelectionRange(at, at + (isAddress || !chosen ? text.length : address.length));
}

// Make the selected words a link to a pasted URL. Return false if the pasted text is not a URL.
export function linkTo(area, address) {
  const { selectionStart: start, selectionEnd: stop, value } = area;
  const url = address.trim();
  const chosen = value.slice(start, stop);
  if (!/^(?:https?:\/\/|mailto:)\S+$/i.test(url) || /\n\s*\n|^\s*https?:/.test(chosen) || !chosen.trim()) return false;
  const [, before, words, after] = /^(\s*)([^]*?)(\s*)$/.exec(chosen);
  const target = /[()<>]/.test(url) ? `<${url}>` : url;
  replace(area, start, stop, `${before}[${words}](${target})${after}`);
  return true;
}

// Replace the selection by a text. Blocks are separated from the text around them by an empty line.
export function insert(area, text) {
  const { selectionStart: start, selectionEnd: stop, value } = area;
  const isBlock = text.includes("\n") || /^(?:[*#>|]|\d+[.)] )/.test(text);
  const before = value.slice(0, start);
  const after = value.slice(stop);
  const above = !isBlock || !before.trim() || before.endsWith("\n\n") ? "" : before.endsWith("\n") ? "\n" : "\n\n";
  const below = !isBlock || !after.trim() || after.startsWith("\n\n") ? "" : after.startsWith("\n") ? "\n" : "\n\n";
  replace(area, start, stop, above + text + below);
}

// Make every selected line a list item. If all of them are items already, make them ordinary lines.
export function item(area) {
  const start = lineStart(area, area.selectionStart);
  const stop = lineStop(area, Math.max(area.selectionStart, area.selectionEnd - (area.selectionEnd > area.selectionStart ? 1 : 0)));
  const rows = area.value.slice(start, stop).split("\n");
  const items = rows.every((row) => /^\s*[*+-] /.test(row));
  const written = rows.map((row) => (items ? row.replace(/^(\s*)[*+-] /, "$1") : row.replace(/^(\s*)(?:[*+-] )?/, "$1* "))).join("\n");
  replace(area, start, stop, written);
  area.setSelectionRange(start + written.length, start + written.length);
}

// Insert a line below the line of the caret, and select the part `chosen` of it, so that typing replaces that part.
export function below(area, row, chosen, apart = false) {
  const stop = lineStop(area, area.selectionEnd);
  const own = area.value.slice(lineStart(area, stop), stop);
  const before = own.trim() ? (apart ? "\n\n" : "\n") : "";
  const start = own.trim() ? stop : lineStart(area, stop);
  replace(area, start, stop, `${before}${row}${apart ? "\n" : ""}`);
  const at = start + before.length + row.indexOf(chosen);
  area.setSelectionRange(at, at + chosen.length);
}

// Handle Enter in a list: begin the next item, or end the list in an empty item.
export function nextItem(area, event) {
  if (event.isComposing || area.selectionStart !== area.selectionEnd) return;
  const start = lineStart(area, area.selectionStart);
  const found = /^(\s*)([*+-]|(\d{1,9})([.)]))( +)(.*)$/.exec(area.value.slice(start, area.selectionStart));
  if (!found) return;
  event.preventDefault();
  const [, indent, bullet, number, sign, space, words] = found;
  if (!words.trim()) {
    replace(area, start, area.selectionStart, "");
    return;
  }
  const next = number ? `${Number(number) + 1}${sign}` : bullet;
  replace(area, area.selectionStart, area.selectionStart, `\n${indent}${next}${space}`);
}

// Select a line, counted from 1, and scroll to it. Its height is measured in a hidden copy of the text.
export function toLine(area, line) {
  const rows = area.value.split("\n");
  if (line < 1 || line > rows.length) return false;
  const start = rows.slice(0, line - 1).reduce((sum, row) => sum + row.length + 1, 0);
  area.focus({ preventScroll: true });
  area.setSelectionRange(start, start + rows[line - 1].length);
  const copy = document.createElement("div");
  const look = getComputedStyle(area);
  for (const name of ["font", "letterSpacing", "lineHeight", "padding", "border", "tabSize", "boxSizing"]) copy.style[name] = look[name];
  Object.assign(copy.style, { position: "absolute", visibility: "hidden", whiteSpace: "pre-wrap", overflowWrap: "break-word", width: `${area.clientWidth}px`, top: "0", left: "-200vw" });
  copy.textContent = area.value.slice(0, start);
  const mark = document.createElement("span");
  mark.textContent = "x";
  copy.append(mark);
  document.body.append(copy);
  area.scrollTop = mark.offsetTop - area.clientHeight / 3;
  copy.remove();
  return true;
}
