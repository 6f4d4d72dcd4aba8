// The parts of the issue, which can be moved by dragging, by their arrow buttons or by keys. The server changes the text.
import { _, byId, tell } from "./ask.js";

export class Outline {
  constructor(editor) {
    this.editor = editor;
    this.place = byId("outline");
    this.dragged = null;
    this.shown = "";
    this.place.addEventListener("click", (event) => this.click(event));
    this.place.addEventListener("keydown", (event) => this.key(event));
    for (const kind of ["dragstart", "dragover", "drop", "dragend"]) {
      this.place.addEventListener(kind, (event) => this[kind](event));
    }
  }

  // Show a new outline. A part that has the focus keeps it.
  show(html) {
    if (html === this.shown) return;
    const focused = this.place.contains(document.activeElement) ? document.activeElement : null;
    const start = focused?.closest(".part")?.dataset.start;
    this.shown = html;
    this.place.innerHTML = html;
    if (start) this.focus(start, control(focused));
  }

  focus(start, which) {
    this.place.querySelector(`.part[data-start="${start}"] ${which}`)?.focus();
  }

  click(event) {
    const move = event.target.closest(".move");
    if (move) {
      if (move.getAttribute("aria-disabled") === "true") tell(_("It cannot go further."));
      else this.move(move.closest(".part"), Number(move.dataset.by), control(move));
      return;
    }
    const go = event.target.closest(".go");
    if (go) this.editor.toLine(Number(go.dataset.line));
  }

  key(event) {
    const by = { ArrowUp: -1, ArrowDown: 1 }[event.key];
    const part = event.target.closest(".part");
    if (!by || !event.altKey || !part) return;
    event.preventDefault();
    const last = part.parentElement.children.length - 1;
    const to = Number(part.dataset.place) + by;
    if (to < 0 || to > last) {
      tell(_("It cannot go further."));
      return;
    }
    this.move(part, by, control(event.target));
  }

  async move(part, by, focus = ".go") {
    const answer = await this.editor.change({ start: Number(part.dataset.start), by });
    if (!answer) return;
    if (answer.error) {
      const refusal = _("Not moved: {reason}", { reason: answer.error });
      tell(refusal);
      this.editor.notice("outline", refusal);
      return;
    }
    await this.editor.outlined();
    this.focus(answer.start, focus);
    tell(_("{title} is now number {place} of {count}.", { title: answer.title, place: answer.place, count: answer.among }));
  }

  dragstart(event) {
    this.dragged = event.target.closest(".part");
    if (!this.dragged) return;
    event.dataTransfer.effectAllowed = "move";
    event.dataTransfer.setData("text/plain", this.dragged.querySelector(".go").textContent);
    this.dragged.classList.add("dragged");
  }

  // Return the part below the dragged part, if the two may change places.
  over(event) {
    let part = event.target.closest?.(".part");
    while (part && part.dataset.family !== this.dragged?.dataset.family) part = part.parentElement.closest(".part");
    return part === this.dragged ? null : part;
  }

  dragover(event) {
    const part = this.over(event);
    this.unmark();
    if (!part) return;
    event.preventDefault();
    part.classList.add(Number(part.dataset.place) > Number(this.dragged.dataset.place) ? "after" : "before");
  }

  drop(event) {
    const part = this.over(event);
    if (!part) return;
    event.preventDefault();
    this.move(this.dragged, Number(part.dataset.place) - Number(this.dragged.dataset.place));
  }

  dragend() {
    this.dragged?.classList.remove("dragged");
    this.dragged = null;
    this.unmark();
  }

  unmark() {
    this.place.querySelectorAll(".before, .after").forEach((part) => part.classList.remove("before", "after"));
  }
}

// Return a selector for the same button of another part.
const control = (button) => (button.matches(".move") ? `.move[data-by="${button.dataset.by}"]` : ".go");
