// Filters of a pool: the list follows the sliders, without loading the whole page anew.
const form = document.getElementById("wanted");
const low = document.getElementById("low");
const high = document.getElementById("high");
const said = document.getElementById("range-said");
const CALM = 250; // milliseconds without a move before the list follows
let timer = 0;
let last = 0;

function tell() {
  said.textContent = `${Number(low.value).toFixed(2)} to ${Number(high.value).toFixed(2)}`;
}

async function follow() {
  const address = `${form.action}?${new URLSearchParams(new FormData(form))}`;
  const mine = ++last;
  const response = await fetch(address);
  if (mine !== last) return; // a later one is under way
  if (!response.ok) {
    location.assign(address);
    return;
  }
  const page = new DOMParser().parseFromString(await response.text(), "text/html");
  const [old, fresh] = [document, page].map((one) => one.getElementById("found"));
  old.replaceChildren(...fresh.children); // what the server rendered, as it is
  history.replaceState(null, "", address);
}

form.addEventListener("input", (event) => {
  // The ends never pass each other.
  if (event.target === low && Number(low.value) > Number(high.value)) high.value = low.value;
  if (event.target === high && Number(high.value) < Number(low.value)) low.value = high.value;
  tell();
  clearTimeout(timer);
  timer = setTimeout(follow, CALM);
});
form.addEventListener("submit", (event) => {
  event.preventDefault();
  follow();
});
tell();
