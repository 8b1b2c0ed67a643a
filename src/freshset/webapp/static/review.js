// The final review of a class: verdicts, ticked images, and what would take their place.
import { call } from "/static/api.js";

const page = document.getElementById("review");
const by = (id) => document.getElementById(id);
const { name, key } = page.dataset;
const api = `/api/revisions/${encodeURIComponent(name)}`;
const mine = `${api}/classes/${encodeURIComponent(key)}`;
const address = (revision) => `/revisions/${encodeURIComponent(revision)}/classes/${encodeURIComponent(key)}`;
const status = by("status");
const frozen = Boolean(page.dataset.frozen);
const STORE = `freshset.ticked.${key}`; // survives a reload, and the step to a newer revision
let busy = false;

const boxes = [...document.querySelectorAll("#tiles input")];
const ticked = () => boxes.filter((box) => box.checked).map((box) => box.value);

// ------------------------------------------------------------------------------- ticks

function restore() {
  const kept = JSON.parse(sessionStorage.getItem(STORE) ?? "{}");
  for (const box of boxes) box.checked = (kept.items ?? []).includes(box.value);
  by("why").value = kept.why ?? "";
}

function ticksChanged() {
  const items = ticked();
  sessionStorage.setItem(STORE, JSON.stringify({ items, why: by("why").value }));
  by("count").textContent = items.length;
  by("to-ticked").hidden = items.length === 0;
  by("to-ticked").textContent = `${items.length} ticked`;
  for (const id of ["see", "replace", "blacklist"]) by(id).disabled = items.length === 0;
  by("preview").replaceChildren();
}

function reason() {
  const why = by("why").value.trim();
  if (!why) {
    by("why").setAttribute("aria-invalid", "true");
    by("why").focus();
    say("Say what is wrong with them first; the log keeps it.", "problem");
  }
  return why;
}

// ------------------------------------------------------------------------------- what would come

async function see() {
  const items = ticked();
  if (!items.length) return;
  await once("Drawing, without writing anything", async () => {
    const found = await call("POST", `${api}/preview`, { items }, { seconds: 120 });
    by("preview").replaceChildren(...found.classes.map(change));
    if (!found.classes.length) by("preview").textContent = "Nothing would change.";
    say("");
  });
}

function change(one) {
  const row = document.createElement("div");
  row.className = "change";
  const elsewhere = one.class_key === key ? "" : ` of ${one.class_key}, which changes too`;
  row.append(
    side(`${one.gone.length} would go${elsewhere}`, pictures(one.gone, "Goes")),
    side(one.come.length ? "and in their place would come" : "and nothing is left to come", pictures(one.come, "Comes")),
  );
  if (one.missing) row.append(said("p", `The class would then lack ${one.missing}.`));
  return row;
}

function side(text, list) {
  const part = document.createElement("div");
  part.append(said("p", text), list);
  return part;
}

function pictures(items, word) {
  const list = document.createElement("ul");
  list.className = "tiles small";
  items.forEach((item, at) => {
    const line = document.createElement("li");
    line.className = "tile";
    line.dataset.item = item.item_id;
    const image = new Image(120, 120);
    image.className = "thumb";
    image.src = `/items/${item.item_id}/thumbnail`;
    image.alt = `${word} ${at + 1}`;
    line.append(image, said("p", word === "Comes" ? "new" : item.reason.replace("-", " ")));
    list.append(line);
  });
  return list;
}

function said(tag, text) {
  const element = document.createElement(tag);
  element.className = "small";
  element.textContent = text;
  return element;
}

// ------------------------------------------------------------------------------- changes

async function replace() {
  const items = ticked();
  const why = items.length ? reason() : "";
  if (!why) return;
  await once("Drawing the next revision", async () => {
    try {
      const done = await call("POST", `${api}/replace`, { items, reason: why }, { seconds: 120 });
      sessionStorage.removeItem(STORE);
      location.assign(address(done.name));
    } catch (problem) {
      if (problem.status !== 409) throw problem;
      const now = await call("GET", api);
      const newest = now.children.at(-1);
      ask(problem, `Go on in ${newest}; your ticks come along.`, () => location.assign(address(newest)));
    }
  });
}

async function blacklist() {
  const items = ticked();
  const why = items.length ? reason() : "";
  if (!why) return;
  await once("Writing the blacklist", async () => {
    await call("POST", "/api/items/blacklist", { items, reason: why });
    sessionStorage.removeItem(STORE);
    location.reload();
  });
}

async function judge(verdict, version = Number(page.dataset.version)) {
  const why = by("reason").value.trim() || "looked at all images";
  await once(`Saving: ${verdict}`, async () => {
    try {
      await call("PUT", mine, { verdict, version, reason: why });
      location.assign(verdict === "open" ? location.pathname : page.dataset.open);
    } catch (problem) {
      if (problem.status !== 409) throw problem;
      const now = await call("GET", api);
      const theirs = now.reviews.find((one) => one.class_key === key);
      problem.message = `${theirs.who} found it ${theirs.verdict} at ${theirs.at.slice(11, 16)}.`;
      ask(problem, `You said ${verdict}. Nothing is lost: look again, then decide.`, () => location.reload(), () =>
        judge(verdict, theirs.version),
      );
    }
  });
}

function ask(problem, next, look, again) {
  by("conflict-said").textContent = problem.message;
  by("conflict-next").textContent = next;
  by("conflict-look").textContent = again ? "Look again, keep theirs" : "Go on there";
  by("conflict-look").onclick = look;
  by("conflict-mine").hidden = !again;
  by("conflict-mine").onclick = () => {
    by("conflict").close();
    again();
  };
  say("");
  by("conflict").showModal();
}

async function once(text, work) {
  if (busy) return;
  busy = true;
  say(text);
  try {
    await work();
  } catch (problem) {
    say(`${problem.message} ${problem.detail ?? ""}`, "problem");
  } finally {
    busy = false;
  }
}

function say(text, kind = "muted") {
  status.className = kind;
  status.textContent = text;
}

// ------------------------------------------------------------------------------- keys

function move(step) {
  const at = boxes.indexOf(document.activeElement);
  const next = at < 0 ? 0 : at + step;
  boxes[Math.max(0, Math.min(boxes.length - 1, next))]?.focus();
}

const go = (rel) => document.querySelector(`a[rel="${rel}"]`)?.click();
const keys = {
  g: () => judge("good"),
  p: () => judge("problematic"),
  r: see,
  ArrowLeft: () => move(-1),
  ArrowRight: () => move(1),
};
document.addEventListener("keydown", (event) => {
  const typing = event.target.matches("input:not([type=checkbox]), textarea, select");
  if (typing || event.ctrlKey || event.metaKey || event.altKey || by("conflict").open) return;
  if (event.key === "[") go("prev");
  else if (event.key === "]") go("next");
  else if (!frozen && keys[event.key]) {
    event.preventDefault();
    keys[event.key]();
  }
});

if (!frozen) {
  restore();
  ticksChanged();
  for (const box of boxes) box.addEventListener("change", ticksChanged);
  by("why").addEventListener("input", () => {
    by("why").removeAttribute("aria-invalid");
    say("");
    sessionStorage.setItem(STORE, JSON.stringify({ items: ticked(), why: by("why").value }));
  });
  by("see").addEventListener("click", see);
  by("replace").addEventListener("click", replace);
  by("blacklist").addEventListener("click", blacklist);
  by("judge").addEventListener("submit", (event) => {
    event.preventDefault();
    if (event.submitter && document.activeElement !== by("reason")) judge(event.submitter.value);
  });
}
