// One pair of images: verdicts by button or key, undo, and what happens when two people are at it.
import { call } from "/static/api.js";
import { compare } from "/static/compare.js";

const pair = document.getElementById("pair");
const by = (id) => document.getElementById(id);
const status = by("status");
const STORE = "freshset.pairs"; // what this person said in this window, for undo
const REASON = "freshset.pairs.reason";

const said = JSON.parse(sessionStorage.getItem(STORE) ?? "[]");
const reason = by("reason");
reason.value = sessionStorage.getItem(REASON) ?? reason.value;
reason.addEventListener("input", () => sessionStorage.setItem(REASON, reason.value));
by("undo").disabled = said.length === 0;
let busy = false;
let version = Number(pair.dataset.version);

const address = (one) => `/api/pairs/${one.a}/${one.b}`;
const here = { a: pair.dataset.a, b: pair.dataset.b };

async function judge(verdict) {
  const body = { verdict, version, reason: reason.value.trim() || "looked at side by side" };
  await once(`Saving: ${verdict}`, async () => {
    try {
      const done = await call("PUT", address(here), body);
      said.push({ ...here, version: done.version, before: pair.dataset.verdict || "open" });
      sessionStorage.setItem(STORE, JSON.stringify(said.slice(-200)));
      location.assign(done.next || "/pairs");
    } catch (problem) {
      if (problem.status !== 409) throw problem;
      await conflict(verdict);
    }
  });
}

async function undo() {
  const last = said.at(-1);
  if (!last) return;
  await once("Taking it back", async () => {
    const before = ["duplicate", "different"].includes(last.before) ? last.before : "open";
    try {
      await call("PUT", address(last), { verdict: before, version: last.version, reason: "Undone" });
    } catch (problem) {
      if (problem.status !== 409) throw problem;
      // Somebody else has said something since, which stays.
    }
    said.pop();
    sessionStorage.setItem(STORE, JSON.stringify(said));
    location.assign(`/pairs/${last.a}/${last.b}`);
  });
}

async function conflict(mine) {
  const theirs = await call("GET", address(here));
  const time = theirs.at.slice(11, 16);
  by("conflict-said").textContent =
    theirs.verdict === "open"
      ? `${theirs.who} took back what was said at ${time} (${theirs.why}).`
      : `${theirs.who} said “${theirs.verdict}” at ${time} (${theirs.why}).`;
  by("conflict-mine").textContent = mine;
  by("conflict-look").onclick = () => location.assign(`/pairs/${here.a}/${here.b}`);
  by("conflict-mine-too").onclick = () => {
    version = theirs.version;
    pair.dataset.verdict = theirs.verdict;
    by("conflict").close();
    judge(mine);
  };
  status.textContent = "";
  by("conflict").showModal();
}

async function once(text, work) {
  if (busy) return;
  busy = true;
  status.className = "muted";
  status.textContent = text;
  try {
    await work();
  } catch (problem) {
    status.className = "problem";
    status.textContent = `${problem.message} ${problem.detail ?? ""}`;
  } finally {
    busy = false;
  }
}

by("judge").addEventListener("submit", (event) => {
  event.preventDefault();
  // Enter in the reason is no verdict.
  if (event.submitter && document.activeElement !== reason) judge(event.submitter.value);
});
by("undo").addEventListener("click", undo);

const keys = {
  d: () => judge("duplicate"),
  f: () => judge("different"),
  u: undo,
  ArrowLeft: () => by("back").hidden || by("back").click(),
  ArrowRight: () => by("ahead").hidden || by("ahead").click(),
};
document.addEventListener("keydown", (event) => {
  const typing = event.target.matches("input, textarea, select");
  if (typing || event.ctrlKey || event.metaKey || event.altKey || by("conflict").open) return;
  const does = keys[event.key];
  if (!does) return;
  event.preventDefault();
  does();
});

const [first, second] = [by("picture-a"), by("picture-b")];
if (first && second) {
  const show = await compare(by("difference"), first, second, by("gain"));
  const views = document.querySelectorAll("[data-view]");
  for (const button of views) {
    button.addEventListener("click", () => {
      for (const one of views) one.setAttribute("aria-pressed", String(one === button));
      show(button.dataset.view);
    });
  }
  by("gain").addEventListener("input", () => {
    by("gain-said").textContent = `× ${by("gain").value}`;
  });
}
