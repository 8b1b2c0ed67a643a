// Keeps what is ticked: in this browser at once, on the server soon after, again and again if need be.

import { call, Problem } from "/static/api.js";

const SOON = 600; // milliseconds after a change
const LONGEST = 20_000; // between tries
const NAME = "freshset.draft.";
const OLD = 3 * 24 * 3600 * 1000;

const key = (tokens) => [...tokens].sort().join();

export class Draft {
  #timer = 0;
  #busy = null;
  #dirty = false;
  #fails = 0;
  #doubt = new Set(); // what was sent without an answer: the server may have it
  #over = false;

  // task: as the server gave it.  read(): tokens ticked now.
  // tell(state, draft): "saving", "saved", "kept" (here only, for now), "elsewhere" (another window
  // saved `draft`), "gone" (the task is no longer ours, or the Problem that is given).
  constructor(task, read, tell) {
    this.task = task;
    this.read = read;
    this.tell = tell;
    this.version = task.draft?.version ?? 0;
    this.again = () => this.save();
    this.leave = () => { if (document.visibilityState === "hidden") this.save({ keepalive: true }); };
    window.addEventListener("online", this.again);
    document.addEventListener("visibilitychange", this.leave);
    forgetOld();
  }

  // What was ticked when the task was last open: here, if the server never heard of it.
  begin() {
    const here = recall(this.task.lease);
    const there = this.task.draft?.chosen ?? [];
    const known = new Set(this.task.images.map((one) => one.token));
    // The server may have had more of us than we heard.
    const ours = here?.version === this.version || here?.doubt.includes(key(there));
    if (!here?.dirty || !ours) return there;
    const chosen = here.chosen.filter((token) => known.has(token));
    if (key(chosen) !== key(there)) {
      this.#dirty = true;
      this.#later(0);
    }
    return chosen;
  }

  changed() {
    this.#dirty = true;
    this.#remember();
    this.#later(SOON);
  }

  // Goes on from what another window saved, with what is ticked now.
  follow(version) {
    this.version = version;
    this.#doubt.clear();
    this.changed();
  }

  async save(how = {}) {
    if (this.#over || !this.#dirty || this.#busy) return;
    clearTimeout(this.#timer);
    this.#busy = this.#send(how);
    await this.#busy;
    this.#busy = null;
    if (this.#dirty && !this.#over) this.#later(this.#fails ? this.#pause() : SOON);
  }

  // Ends once nothing is under way any more; what is remembered here stays until `forget`.
  async end() {
    this.#over = true;
    clearTimeout(this.#timer);
    window.removeEventListener("online", this.again);
    document.removeEventListener("visibilitychange", this.leave);
    await this.#busy;
  }

  forget() {
    try { localStorage.removeItem(NAME + this.task.lease); } catch { /* private window */ }
  }

  async #send(how) {
    const chosen = this.read();
    this.#doubt.add(key(chosen));
    this.#remember();
    this.#dirty = false;
    this.tell(this.#fails ? "kept" : "saving");
    try {
      const body = { lease: this.task.lease, chosen, version: this.version };
      const path = `/api/labelling/tasks/${this.task.task_id}/draft`;
      this.version = (await call("PUT", path, body, how)).version;
      this.#doubt.clear();
      this.#fails = 0;
      this.#remember();
      if (!this.#dirty) this.tell("saved");
    } catch (problem) {
      if (!(problem instanceof Problem)) throw problem;
      this.#dirty = true;
      if (problem.passing) {
        this.#fails += 1;
        this.tell("kept");
      } else if (problem.status === 409) await this.#elsewhere();
      else this.#stop("gone", problem);
    }
  }

  // Somebody saved before us: we ourselves, if an answer was lost, or another window.
  async #elsewhere() {
    let task;
    try {
      ({ task } = await call("POST", "/api/labelling/next"));
    } catch {
      this.#fails += 1;
      return;
    }
    if (task?.lease !== this.task.lease) this.#stop("gone");
    else if (task.draft && this.#doubt.has(key(task.draft.chosen))) {
      this.version = task.draft.version;
      this.#doubt.clear();
    } else {
      this.#dirty = false;
      this.tell("elsewhere", task.draft);
    }
  }

  #stop(state, problem) {
    this.end();
    this.tell(state, problem);
  }

  #later(wait) {
    clearTimeout(this.#timer);
    if (!this.#over) this.#timer = setTimeout(() => this.save(), wait);
  }

  #pause() { return Math.min(LONGEST, 1000 * 2 ** Math.min(this.#fails - 1, 6)); }

  #remember() {
    const body = {
      chosen: this.read(), version: this.version, dirty: this.#dirty, doubt: [...this.#doubt], at: Date.now(),
    };
    try { localStorage.setItem(NAME + this.task.lease, JSON.stringify(body)); } catch { /* likewise */ }
  }
}

function recall(lease) {
  try { return JSON.parse(localStorage.getItem(NAME + lease)); } catch { return null; }
}

function forgetOld() {
  try {
    for (const name of Object.keys(localStorage).filter((one) => one.startsWith(NAME))) {
      const at = recall(name.slice(NAME.length))?.at ?? 0;
      if (Date.now() - at > OLD) localStorage.removeItem(name);
    }
  } catch { /* likewise */ }
}
