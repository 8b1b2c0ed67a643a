// Keeps parts of a page as the server has them: an element with data-fragment (an address) and
// data-seconds is fetched again and again while the page can be seen.  An unchanged part costs an
// answer without a body.

const STATE = document.getElementById("state");
const SAID = document.getElementById("said");
const QUIET = 20_000; // milliseconds between two sentences for screen readers
const LONGEST = 60_000;

export function follow(part) {
  const pause = Number(part.dataset.seconds) * 1000;
  let etag = "";
  let timer = 0;
  let failures = 0;
  let running = false;

  async function refresh() {
    clearTimeout(timer);
    if (running || document.hidden) return;
    running = true;
    try {
      const response = await fetch(part.dataset.fragment, {
        headers: etag ? { "If-None-Match": etag } : {},
        credentials: "same-origin",
        cache: "no-store",
        signal: AbortSignal.timeout(Math.max(LONGEST, 3 * pause)),
      });
      if (response.status === 401 || response.status === 403) {
        tell("You are signed out. Open your link again.");
        return;
      }
      if (response.status === 200 && busy(part)) {
        tell("Newer numbers wait until you have sent or cleared your choice.");
        timer = setTimeout(refresh, pause);
        return;
      }
      if (response.status === 200) {
        swap(part, await response.text());
        etag = response.headers.get("ETag") ?? "";
        speak(part);
      } else if (response.status !== 304) {
        throw new Error(String(response.status));
      }
      failures = 0;
      tell(`As of ${new Date().toLocaleTimeString()}`);
    } catch {
      failures += 1;
      tell("The server cannot be reached; trying again.");
    } finally {
      running = false;
    }
    timer = setTimeout(refresh, Math.min(pause * 2 ** failures, Math.max(LONGEST, pause)));
  }

  document.addEventListener("visibilitychange", refresh);
  refresh();
}

// Whether somebody has begun to choose or to write in a part, which must not be lost.
function busy(part) {
  const fields = [...part.querySelectorAll("input:not([type=hidden]), textarea")];
  return fields.some((one) => one.checked !== one.defaultChecked || one.value !== one.defaultValue);
}

// Puts the new part in place of the old one; what has the focus or was opened stays so.
function swap(part, html) {
  const open = [...part.querySelectorAll("details[id][open]")].map((one) => one.id);
  const focus = part.contains(document.activeElement) ? path(part, document.activeElement) : null;
  const scrolled = [...part.querySelectorAll(".scroll")].map((one) => one.scrollLeft);
  part.innerHTML = html;
  for (const id of open) part.querySelector(`#${CSS.escape(id)}`)?.setAttribute("open", "");
  part.querySelectorAll(".scroll").forEach((one, place) => (one.scrollLeft = scrolled[place] ?? 0));
  if (focus) at(part, focus)?.focus({ preventScroll: true });
}

function path(part, element) {
  const steps = [];
  for (let one = element; one !== part; one = one.parentElement) {
    steps.unshift([...one.parentElement.children].indexOf(one));
  }
  return steps;
}

function at(part, steps) {
  return steps.reduce((one, step) => one?.children[step], part);
}

function tell(text) {
  if (STATE && STATE.textContent !== text) STATE.textContent = text;
}

let spoken = 0;

function speak(part) {
  const said = part.querySelector("[data-say]")?.dataset.say;
  if (!SAID || !said || said === SAID.textContent || Date.now() - spoken < QUIET) return;
  SAID.textContent = said;
  spoken = Date.now();
}

for (const part of document.querySelectorAll("[data-fragment]")) follow(part);
