// The grid of images: a group of checkboxes of which one can be reached by Tab, the others by arrows.

const HOLD = 400; // milliseconds until a press is a hold
const SLIP = 10; // pixels that a finger may move meanwhile
const MOST = 200; // steps that can be undone

export class Grid {
  #tiles = [];
  #images = [];
  #chosen = new Set();
  #undo = [];
  #anchor = { place: 0, on: true };
  #current = 0;
  #loaded = new Set();
  #broken = new Set();
  #tries = 0;

  // root: element to fill.  changed(): ticks are others than before.  loaded(): an image came, or did
  // not.  hold(place, pointer): somebody holds an image; release(): lets it go.
  constructor(root, { changed = () => {}, loaded = () => {}, hold = () => {}, release = () => {} } = {}) {
    this.root = root;
    this.frozen = false;
    this.events = { changed, loaded, hold, release };
  }

  get size() { return this.#images.length; }
  get current() { return this.#current; }
  get waiting() { return this.size - this.#loaded.size - this.#broken.size; }
  get broken() { return this.#broken.size; }
  get undoable() { return this.#undo.length > 0; }
  get chosen() { return this.#images.filter((one) => this.#chosen.has(one.token)).map((one) => one.token); }

  image(place) { return this.#images[place]; }
  ticked(place) { return this.#chosen.has(this.#images[place].token); }
  name(place) { return `Image ${place + 1} of ${this.size}`; }

  // Shows images instead of those before, of which nothing is left.
  show(images, chosen = []) {
    this.#images = images;
    this.#chosen = new Set(chosen);
    this.#undo = [];
    this.#anchor = { place: 0, on: true };
    this.#current = 0;
    this.#loaded = new Set();
    this.#broken = new Set();
    this.frozen = false;
    this.#tiles = images.map((_, place) => this.#tile(place));
    this.root.replaceChildren(...this.#tiles.map((tile) => tile.parentElement));
    this.#draw();
  }

  focus(place = this.#current) {
    this.#current = Math.max(0, Math.min(place, this.size - 1));
    this.#tiles.forEach((tile, other) => { tile.tabIndex = other === this.#current ? 0 : -1; });
    this.#tiles[this.#current]?.focus();
  }

  // Moves by columns and rows; stays where there is nothing further.
  move(columns, rows) {
    const next = this.#current + columns + rows * this.columns;
    this.focus(next >= 0 && next < this.size ? next : this.#current);
  }

  get columns() {
    const tops = this.#tiles.map((tile) => tile.parentElement.offsetTop);
    const first = tops.findIndex((top) => top !== tops[0]);
    return first < 0 ? Math.max(1, this.size) : first;
  }

  toggle(place = this.#current) {
    const on = !this.ticked(place);
    this.#anchor = { place, on };
    this.#set([place], on);
  }

  // Does to all images since the last one that was clicked what was done to that one.
  range(place = this.#current) {
    const [low, high] = [Math.min(place, this.#anchor.place), Math.max(place, this.#anchor.place)];
    this.#set(this.#places().slice(low, high + 1), this.#anchor.on);
  }

  all() { this.#set(this.#places(), true); }
  none() { this.#set(this.#places(), false); }

  undo() {
    const before = this.frozen ? undefined : this.#undo.pop();
    if (before !== undefined) this.#put(before);
  }

  // Ticks just these images; can be undone.
  choose(tokens) { this.#change(new Set(tokens)); }

  // Asks once more for the images that did not come.
  retry(places = [...this.#broken]) {
    this.#tries += 1;
    for (const place of places) {
      this.#broken.delete(place);
      this.#tiles[place].querySelector("img").src = `${this.#images[place].url}?again=${this.#tries}`;
    }
    this.#draw();
    this.events.loaded();
  }

  #places() { return this.#images.map((_, place) => place); }

  #set(places, on) {
    const next = new Set(this.#chosen);
    for (const place of places) {
      const token = this.#images[place].token;
      // Nobody can say anything of an image that is not there.
      if (!on || this.#broken.has(place)) next.delete(token);
      else next.add(token);
    }
    this.#change(next);
  }

  #change(next) {
    const same = next.size === this.#chosen.size && [...next].every((one) => this.#chosen.has(one));
    if (this.frozen || same) return;
    this.#undo = [...this.#undo, this.#chosen].slice(-MOST);
    this.#put(next);
  }

  #put(chosen) {
    this.#chosen = chosen;
    this.#draw();
    this.events.changed();
  }

  #draw() {
    this.root.setAttribute("aria-busy", String(this.waiting > 0));
    this.#tiles.forEach((tile, place) => {
      const broken = this.#broken.has(place);
      tile.tabIndex = place === this.#current ? 0 : -1;
      tile.setAttribute("aria-checked", String(this.ticked(place)));
      tile.setAttribute("aria-label", this.name(place) + (broken ? ", could not be loaded" : ""));
      tile.parentElement.classList.toggle("broken", broken);
      tile.parentElement.querySelector("button").hidden = !broken;
    });
  }

  #tile(place) {
    const cell = element("div", { className: "cell" });
    const tile = element("div", { className: "tile" });
    tile.setAttribute("role", "checkbox");
    const image = element("img", { alt: "", draggable: false, decoding: "async" });
    const again = element("button", { type: "button", className: "quiet", textContent: "Load again" });
    again.setAttribute("aria-label", `Load image ${place + 1} again`);
    again.hidden = true;
    image.addEventListener("load", () => this.#came(image, place, true));
    image.addEventListener("error", () => this.#came(image, place, false));
    again.addEventListener("click", () => { this.retry([place]); this.focus(place); });
    tile.append(
      image,
      element("span", { className: "place", textContent: place + 1 }),
      element("span", { className: "tick" }),
    );
    tile.addEventListener("focus", () => { if (this.#current !== place) this.focus(place); });
    this.#listen(tile, place);
    cell.append(tile, again);
    image.src = this.#images[place].url;
    return tile;
  }

  #came(image, place, well) {
    if (this.#tiles[place]?.contains(image) !== true) return; // of an earlier task
    (well ? this.#loaded : this.#broken).add(place);
    (well ? this.#broken : this.#loaded).delete(place);
    const token = this.#images[place].token;
    if (!well && this.#chosen.has(token)) {
      this.#chosen.delete(token);
      this.events.changed();
    }
    this.#draw();
    this.events.loaded();
  }

  #listen(tile, place) {
    let timer = 0, start = null, held = false;
    const end = () => {
      clearTimeout(timer);
      start = null;
    };
    tile.addEventListener("pointerdown", (event) => {
      held = false;
      if (event.button !== 0) return;
      start = event;
      timer = setTimeout(() => {
        held = true;
        this.focus(place);
        this.events.hold(place, event.pointerType);
      }, HOLD);
    });
    tile.addEventListener("pointermove", (event) => {
      if (start && Math.hypot(event.clientX - start.clientX, event.clientY - start.clientY) > SLIP) end();
    });
    for (const name of ["pointerup", "pointercancel", "pointerleave"]) tile.addEventListener(name, end);
    tile.addEventListener("contextmenu", (event) => {
      if (held || event.pointerType === "touch") event.preventDefault();
    });
    tile.addEventListener("click", (event) => {
      if (held) return; // the end of a hold
      this.focus(place);
      if (event.shiftKey) this.range(place);
      else this.toggle(place);
    });
  }
}

export function element(name, values = {}) {
  return Object.assign(document.createElement(name), values);
}
