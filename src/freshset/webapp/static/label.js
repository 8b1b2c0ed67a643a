// The labelling page: one task after another, without loading the page again.

import { call, Problem } from "/static/api.js";
import { Clock } from "/static/label_clock.js";
import { Draft } from "/static/label_draft.js";
import { element } from "/static/label_grid.js";
import { count, missing, part, setUp } from "/static/label_parts.js";

const page = part("label");
const state = { task: null, draft: null, progress: null, sending: false, images: 0, returned: [] };
const KEPT = {
  saving: "Saving…", saved: "Saved", elsewhere: "Not saved",
  kept: "Not connected. Your ticks are kept here and will be sent.",
};

const grid = setUp({
  changed: () => state.draft?.changed(),
  loaded: () => {
    if (!part("missing").hidden) showMissing();
    part("reload").hidden = grid.broken === 0;
  },
  submit: () => submit(),
  active: () => shown() === "work" && !state.sending,
});
const clock = new Clock(part("time"), {
  soon: (left) => late(`${left} seconds are left for this task. Submit what you have, or give it back.`),
  over: () => late("The time for this task is over. You can still submit, unless others have taken your place."),
});

// --- what is shown ---

const shown = () => page.dataset.shown;

function show(name) {
  page.dataset.shown = name;
  for (const one of page.querySelectorAll("[data-state]")) one.hidden = one.dataset.state !== name;
  if (name !== "work") part(`${name}-title`)?.focus();
}

// Says something above the grid, with buttons: [text, what to do].
function say(kind, text, ...buttons) {
  const box = element("div", { className: `notice ${kind}` });
  box.append(element("p", { textContent: text }));
  const row = element("p", { className: "row" });
  for (const [name, act] of buttons) {
    const button = element("button", { type: "button", className: "quiet", textContent: name });
    button.addEventListener("click", act);
    row.append(button);
  }
  if (buttons.length) box.append(row);
  part("said").replaceChildren(box);
}

function hush() { part("said").replaceChildren(); }

// Says something about the time, beside what else was said; nothing for an empty text.
function late(text) {
  part("late").textContent = text;
  part("late").hidden = text === "";
}

function showMissing() {
  const text = missing(grid);
  part("missing").hidden = text === "";
  part("missing-text").textContent = text;
}

function showProgress() {
  const { done, left, seconds_per_task: seconds } = state.progress;
  const pace = seconds ? `, about ${seconds < 90 ? `${Math.round(seconds)} s` : `${Math.round(seconds / 60)} min`} each` : "";
  part("progress").max = Math.max(1, done + left);
  part("progress").value = done;
  part("progress-text").textContent = `${done} done, ${left} left${pace}`;
}

function showAsked({ title, definition, synonyms, links }) {
  part("asked").textContent = title;
  const others = synonyms.filter((word) => word !== title);
  part("synonyms").textContent = others.length ? `also: ${others.join(", ")}` : "";
  part("definition").textContent = definition;
  const safe = links.filter((link) => /^https?:\/\//i.test(link) && URL.canParse(link));
  part("links").replaceChildren(...safe.map((link) => {
    const item = element("li");
    item.append(element("a", {
      href: link, textContent: new URL(link).hostname, target: "_blank", rel: "noopener noreferrer", title: link,
    }));
    return item;
  }));
}

async function showExamples(task) {
  const box = part("examples");
  box.replaceChildren();
  part("examples-box").hidden = true;
  let urls = [];
  try { ({ urls } = await call("GET", `/api/labelling/tasks/${task.task_id}/examples`)); } catch { /* goes without */ }
  if (state.task !== task || urls.length === 0) return;
  box.replaceChildren(...urls.map((url, n) => element("img", { src: url, alt: `Example ${n + 1}`, width: 72, height: 72 })));
  part("examples-box").hidden = false;
}

// --- one task after another ---

function begin({ task, progress }) {
  state.progress = progress;
  state.task = task;
  state.draft?.end();
  state.draft = null;
  state.sending = false;
  clock.stop();
  hush();
  late("");
  part("missing").hidden = true;
  part("reload").hidden = true;
  showProgress();
  if (task === null) {
    finish();
    return;
  }
  state.draft = new Draft(task, () => grid.chosen, kept);
  grid.show(task.images, state.draft.begin());
  part("kept").textContent = task.draft ? KEPT.saved : "";
  part("kept").classList.remove("lost");
  part("submit").disabled = false;
  showAsked(task.asked);
  count(grid);
  document.title = `${task.asked.title} · task ${progress.done + 1} · freshset`;
  show("work");
  window.scrollTo(0, 0);
  part("announce").textContent = `${task.asked.title}. Tick the images that show it, of ${grid.size}.`;
  grid.focus(0);
  clock.start(task);
  showExamples(task);
}

function finish() {
  grid.show([]);
  const { done, seconds_per_task: seconds } = state.progress;
  document.title = "Done · freshset";
  part("sum-done").textContent = done.toLocaleString("en");
  part("sum-here").textContent = state.images.toLocaleString("en");
  part("sum-pace").textContent = seconds ? `${Math.round(seconds)} s` : "–";
  part("done-title").textContent = done ? "Nothing is left for you. Thank you!" : "There is nothing to label now.";
  show("done");
}

async function next() {
  show("loading");
  try {
    begin(await call("POST", "/api/labelling/next", { later_on: state.returned }));
  } catch (problem) {
    trouble(problem);
  }
}

function trouble(problem) {
  if (!(problem instanceof Problem)) throw problem;
  part("trouble-title").textContent = problem.title;
  part("trouble-text").textContent = problem.detail;
  show("trouble");
  if (problem.passing) window.addEventListener("online", () => { if (shown() === "trouble") next(); }, { once: true });
}

function kept(how, draft) {
  if (how === "gone") {
    part("kept").textContent = "Not saved";
    part("kept").classList.add("lost");
    if (draft instanceof Problem) turnedAway(draft);
    else say("warn", "This task is no longer yours: it was submitted or given back elsewhere.", ["Next task", next]);
    return;
  }
  part("kept").textContent = KEPT[how];
  part("kept").classList.toggle("lost", how === "kept" || how === "elsewhere");
  if (how !== "elsewhere") return;
  const version = draft?.version ?? 0;
  const go = (act) => () => {
    act();
    hush();
    state.draft.follow(version);
    grid.focus();
  };
  say(
    "warn", "This task is open in another window, which saved other ticks.",
    ["Take those ticks", go(() => grid.choose(draft?.chosen ?? []))], ["Keep the ticks here", go(() => {})],
  );
}

async function giveBack() {
  const task = state.task;
  part("give").close();
  try {
    await call("POST", `/api/labelling/tasks/${task.task_id}/return`, { lease: task.lease });
  } catch (problem) {
    if (!(problem instanceof Problem) || problem.status !== 409) {
      say("bad", `${problem.title} The task was not given back.`);
      return;
    }
  }
  state.returned = [...state.returned, task.task_id].slice(-100);
  await state.draft.end();
  state.draft.forget();
  clock.stop();
  document.title = "Given back · freshset";
  show("given");
}

// --- submitting ---

function submit() {
  if (state.sending || state.task === null) return;
  showMissing();
  if (!part("missing").hidden) return;
  if (grid.chosen.length === 0) part("empty").showModal();
  else send();
}

async function send() {
  const { task, draft } = state;
  const chosen = grid.chosen;
  state.sending = true;
  grid.frozen = true;
  part("submit").disabled = true;
  part("kept").textContent = "Submitting…";
  await draft.end();
  let problem = null;
  for (let fails = 0; ; fails += 1) {
    try {
      const answer = await call("POST", `/api/labelling/tasks/${task.task_id}/submission`, {
        lease: task.lease, chosen, later_on: state.returned,
      });
      draft.forget();
      state.images += task.images.length;
      begin(answer);
      return;
    } catch (caught) {
      problem = caught;
      if (!(problem instanceof Problem) || !problem.passing) break;
      part("kept").textContent = "Not connected. Your answer is kept here and will be sent.";
      part("kept").classList.add("lost");
      await rest(Math.max(problem.wait * 1000, Math.min(15_000, 1000 * 2 ** Math.min(fails, 4))));
    }
  }
  refuse(problem);
}

function refuse(problem) {
  if (!(problem instanceof Problem)) throw problem;
  state.sending = false;
  part("kept").textContent = "Not submitted";
  turnedAway(problem);
  part("said").querySelector("button").focus();
}

// Says why the server takes nothing more of this task.
function turnedAway({ status, title, detail }) {
  const text = `${title} ${detail}`;
  // Whoever has to sign in first finds the ticks here afterwards.
  if (status === 401 || status === 403) say("bad", text, ["Load the page again", () => location.reload()]);
  else {
    state.draft.forget();
    say("warn", text, ["Next task", next]);
  }
}

// Waits, but not longer than until the connection is back.
function rest(milliseconds) {
  return new Promise((resolve) => {
    const end = () => {
      window.removeEventListener("online", end);
      clearTimeout(timer);
      resolve();
    };
    const timer = setTimeout(end, milliseconds);
    window.addEventListener("online", end);
  });
}

for (const button of document.querySelectorAll("[data-next]")) button.addEventListener("click", next);
part("submit").addEventListener("click", submit);
part("reload").addEventListener("click", () => grid.retry());
part("missing-reload").addEventListener("click", () => grid.retry());
part("about-open").addEventListener("click", () => part("about").showModal());
part("give-open").addEventListener("click", () => part("give").showModal());
part("give-yes").addEventListener("click", giveBack);
part("empty-yes").addEventListener("click", () => {
  part("empty").close();
  send();
});
window.addEventListener("online", () => { if (grid.broken) grid.retry(); });
if (page.dataset.begun === "true") next();
else show("intro");
