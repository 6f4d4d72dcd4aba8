// Match lines of the file with elements of the mail by comparing their words.
const LEAVES = "h1, h2, h3, h4, h5, h6, p, li, td, th, pre";
const BULLET = /^\s*(?:[*+-]|\d+[.)]|>|#{1,6})\s+/;
const LABEL = /\*\*(.+?)\*\*|\[([^\]]+)\]\(/g;
// A line and an element match if they have at least this share of their words in common.
const ENOUGH = 0.6;

const wordsOf = (text) => text.toLowerCase().match(/[\p{L}\p{N}]+/gu) ?? [];
const plain = (row) => row.replace(BULLET, "").replace(/^(?:title|summary|subject):/, "").replace(/\]\([^)]*\)/g, "] ");

// Return the words of a whole line, and those of its bold texts and links, which may become a heading or a title.
function variants(row) {
  const found = [...row.matchAll(LABEL)].map(([, bold, link]) => bold ?? link);
  return [plain(row), ...found].map(wordsOf).filter((words) => words.length);
}

function shared(some, others) {
  const known = new Set(others);
  return some.filter((word) => known.has(word)).join("").length / (some.join("").length || 1);
}

function leaves(page) {
  return [...page.querySelectorAll(LEAVES)].filter((element) => !element.querySelector(LEAVES) && element.getClientRects().length);
}

// Return the element that shows a line: the one with most of its words, and the smallest of several such elements.
export function elementOf(page, rows, line) {
  const row = rows[line - 1] ?? "";
  const places = leaves(page).map((element) => ({ element, words: wordsOf(element.textContent) }));
  const earlier = rows.slice(0, line - 1).filter((other) => other.trim() === row.trim()).length;
  for (const words of variants(row)) {
    const scored = places.map((place) => ({ ...place, score: Math.round(10 * shared(words, place.words)) / 10 }));
    const best = Math.max(0, ...scored.map(({ score }) => score));
    if (best < ENOUGH) continue;
    const equal = scored.filter(({ score }) => score === best);
    const least = Math.min(...equal.map((place) => place.words.length));
    const smallest = equal.filter((place) => place.words.length === least);
    return smallest[Math.min(earlier, smallest.length - 1)].element;
  }
  return null;
}

// Return the line that an element shows, counted from 1, or 0 if there is none. For the nth of several equal elements,
// return the nth of the equal lines.
export function lineOf(element, rows) {
  const leaf = element.closest(LEAVES);
  if (!leaf) return 0;
  const candidates = [leaf, leaf.closest("tr")].filter(Boolean).map((each) => wordsOf(each.textContent)).filter((words) => words.length);
  for (const words of candidates) {
    const scores = rows.map((row) => Math.max(0, ...variants(row).map((own) => (shared(own, words) + shared(words, own)) / 2)));
    const best = Math.max(...scores);
    if (best < ENOUGH) continue;
    const lines = scores.flatMap((score, at) => (score > best - 0.01 ? [at + 1] : []));
    const same = leaves(leaf.ownerDocument).filter((other) => other.textContent === leaf.textContent);
    return lines[Math.min(Math.max(same.indexOf(leaf), 0), lines.length - 1)];
  }
  return 0;
}
