// The large view of one image: while the mouse is held, or until it is closed.

export class Zoom {
  #place = 0;
  #held = false; // by the mouse, whose release closes it
  #armed = true; // whether a click is a new one, not the end of the touch that opened it

  constructor(dialog, grid) {
    this.dialog = dialog;
    this.grid = grid;
    this.image = dialog.querySelector("img");
    this.text = dialog.querySelector("[data-text]");
    this.tick = dialog.querySelector("[data-tick]");
    dialog.addEventListener("pointerdown", () => { this.#armed = true; });
    dialog.addEventListener("click", (event) => {
      if (this.#armed && !event.target.closest("button")) this.close();
    });
    dialog.addEventListener("close", () => this.grid.focus(this.#place));
    dialog.addEventListener("keydown", (event) => this.#key(event));
    dialog.querySelector("[data-close]").addEventListener("click", () => this.close());
    dialog.querySelector("[data-before]").addEventListener("click", () => this.step(-1));
    dialog.querySelector("[data-after]").addEventListener("click", () => this.step(1));
    this.tick.addEventListener("click", () => this.toggle());
    for (const name of ["pointerup", "pointercancel"]) {
      window.addEventListener(name, () => { if (this.#held) this.close(); });
    }
  }

  open(place, pointer = "") {
    this.#held = pointer === "mouse";
    this.#armed = pointer !== "touch";
    this.#place = place;
    this.#draw();
    if (!this.dialog.open) this.dialog.showModal();
    this.tick.focus();
  }

  close() {
    this.#held = false;
    this.dialog.close();
  }

  step(by) {
    this.#place = Math.max(0, Math.min(this.#place + by, this.grid.size - 1));
    this.#draw();
  }

  toggle() {
    this.grid.toggle(this.#place);
    this.#draw();
  }

  #draw() {
    const on = this.grid.ticked(this.#place);
    this.image.src = this.grid.image(this.#place).url;
    this.image.alt = this.grid.name(this.#place);
    this.text.textContent = `${this.grid.name(this.#place)}${on ? ", ticked" : ""}`;
    this.tick.setAttribute("aria-pressed", String(on));
    this.tick.textContent = on ? "Ticked" : "Tick";
  }

  #key(event) {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const step = { ArrowLeft: -1, h: -1, ArrowUp: -1, k: -1, ArrowRight: 1, l: 1, ArrowDown: 1, j: 1 }[event.key];
    if (step) this.step(step);
    else if (event.key === "v") this.close();
    else if (event.key === " " && !event.target.closest("[data-before], [data-after], [data-close]")) {
      if (!event.repeat) this.toggle();
    } else return;
    event.preventDefault();
  }
}
