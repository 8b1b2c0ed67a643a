// A task of Mechanical Turk: the same grid and keys, sent to MTurk as a form.

import { count, missing, part, setUp } from "/static/label_parts.js";

const form = part("task");
const preview = form.dataset.preview === "true";
const grid = setUp({
  loaded: () => { if (!part("missing").hidden) check(); },
  submit: () => { if (!preview) form.requestSubmit(); },
  active: () => !form.hidden,
});
let sure = false;

function check() {
  const text = missing(grid);
  part("missing").hidden = text === "";
  part("missing-text").textContent = text;
  return text === "";
}

form.addEventListener("submit", (event) => {
  const none = grid.chosen.length === 0 && !sure;
  if (preview || !check() || none) event.preventDefault();
  else {
    part("chosen").value = grid.chosen.join("|");
    part("submit").disabled = true;
  }
  if (!preview && none && part("missing").hidden) part("empty").showModal();
});
part("empty-yes").addEventListener("click", () => {
  part("empty").close();
  sure = true;
  form.requestSubmit();
  sure = false;
});
part("missing-reload").addEventListener("click", () => grid.retry());

form.hidden = false;
part("still").hidden = true;
grid.show(JSON.parse(form.dataset.images));
grid.frozen = preview;
count(grid);
for (const name of ["none", "all", "submit"]) part(name).disabled = preview;
