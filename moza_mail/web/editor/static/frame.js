// The mail in its frame. A new version loads in a second frame, so that it appears at once, at the same scroll position.
import { _, byId } from "./ask.js";
import { elementOf } from "./match.js";

const WIDTHS = { 375: 375, 640: 640, 800: 800 };
const MARK = "editor-pointed-at";

export class Frame {
  constructor() {
    this.stage = byId("stage");
    this.device = byId("device");
    this.key = "";
    this.look = { scheme: "light", images: true, styles: true };
    this.width = "640";
    this.turn = 0;
    this.onkey = () => {};
    this.onpick = () => {};
    new ResizeObserver(() => this.fit()).observe(this.stage);
    const first = this.front;
    if (first?.contentDocument?.readyState === "complete" && first.contentDocument.body?.childElementCount) this.listen(first.contentDocument);
    else first?.addEventListener("load", () => this.listen(first.contentDocument), { once: true });
  }

  get front() {
    return this.device.querySelector("iframe.mail:not(.waiting)");
  }

  address() {
    const { scheme, images, styles } = this.look;
    const query = new URLSearchParams({ scheme });
    if (!images) query.set("images", "off");
    if (!styles) query.set("styles", "off");
    return `/mail/${this.key}?${query}`;
  }

  // Load the mail in a hidden frame, which replaces the visible frame when it is loaded.
  show(key = this.key) {
    if (!key) return Promise.resolve(false);
    this.key = key;
    const turn = ++this.turn;
    const old = this.front;
    this.device.querySelectorAll("iframe.waiting").forEach((frame) => frame.remove());
    const next = document.createElement("iframe");
    next.className = "mail waiting";
    next.title = data_title(old);
    next.setAttribute("sandbox", "allow-same-origin allow-popups allow-popups-to-escape-sandbox");
    next.setAttribute("aria-hidden", "true");
    next.tabIndex = -1;
    return new Promise((done) => {
      next.addEventListener("load", () => {
        if (turn !== this.turn) { next.remove(); done(false); return; }
        const at = old?.contentWindow?.scrollY ?? this.kept ?? 0;
        next.contentWindow.scrollTo(0, at);
        next.classList.remove("waiting");
        next.removeAttribute("aria-hidden");
        next.tabIndex = 0;
        const focused = document.activeElement === old;
        this.device.querySelectorAll("iframe.mail, .nothing").forEach((other) => { if (other !== next) other.remove(); });
        if (focused) next.focus();
        this.listen(next.contentDocument);
        document.documentElement.dataset.shown = this.key;
        done(true);
      }, { once: true });
      next.src = this.address();
      this.device.append(next);
    });
  }

  // A click in the mail goes to its line, unless the click is on a link or selects words.
  listen(page) {
    page.addEventListener("keydown", (event) => this.onkey(event));
    page.addEventListener("click", (event) => {
      const isReading = event.target.closest("a[href]") || !page.getSelection().isCollapsed;
      if (!isReading) this.onpick(event.target);
    });
  }

  // Bring the element of a line into view, unless it is in view already.
  follow(rows, line) {
    const page = this.front?.contentDocument;
    const found = page?.body && elementOf(page, rows, line);
    if (!found) return;
    const box = found.getBoundingClientRect();
    const view = this.front.contentWindow;
    if (box.top >= 0 && box.bottom <= view.innerHeight) return;
    view.scrollTo({ top: Math.max(0, view.scrollY + box.top - view.innerHeight / 3) });
  }

  setWidth(width) {
    this.width = width;
    this.device.className = `device w${width}`;
    this.fit();
  }

  // Scale down a mail that is wider than the stage. Its layout still depends on its own width.
  fit() {
    const wanted = WIDTHS[this.width];
    const box = getComputedStyle(this.stage);
    const room = this.stage.clientWidth - parseFloat(box.paddingLeft) - parseFloat(box.paddingRight);
    const scale = wanted && room > 0 && room < wanted ? room / wanted : 1;
    this.device.style.setProperty("--scale", scale);
    this.device.classList.toggle("scaled", scale < 1);
    const percent = Math.round(scale * 100);
    byId("scale").textContent = scale < 1 ? `${percent} %` : "";
    byId("scale").title = scale < 1 ? _("shown at {percent} %", { percent }) : "";
  }

  // Mark the smallest element that contains these words; return false if there is none.
  point(passage) {
    const page = this.front?.contentDocument;
    if (!page || !passage) return false;
    page.querySelectorAll(`.${MARK}`).forEach((element) => {
      element.classList.remove(MARK);
      element.style.outline = "";
      element.style.outlineOffset = "";
    });
    const found = elementOf(page, [passage], 1) ?? smallest(page, passage);
    if (!found) return false;
    found.classList.add(MARK);
    found.style.outline = "3px solid #e17000";
    found.style.outlineOffset = "3px";
    const box = found.getBoundingClientRect();
    const view = this.front.contentWindow;
    const quiet = window.matchMedia("(prefers-reduced-motion: reduce)").matches;
    view.scrollTo({ top: view.scrollY + box.top - view.innerHeight / 3, behavior: quiet ? "auto" : "smooth" });
    return true;
  }
}

const data_title = (old) => old?.title || byId("tab-mail").textContent.trim();

const letters = (text) => text.toLowerCase().replace(/[^\p{L}\p{N}]+/gu, "");

function smallest(page, passage) {
  const wanted = letters(passage);
  for (const length of [wanted.length, 40, 20]) {
    const part = wanted.slice(0, length);
    if (part.length < 3) return null;
    const holding = [...page.body.querySelectorAll("h1, h2, h3, h4, h5, h6, li, p, td, th, tr, blockquote, pre, div")]
      .filter((element) => element.getClientRects().length && letters(element.textContent).includes(part));
    if (holding.length) return holding.reduce((least, next) => (next.textContent.length <= least.textContent.length ? next : least));
  }
  return null;
}
