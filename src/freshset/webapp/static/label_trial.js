// The trial before the first task: the same grid and keys, sent as a form.

import { element } from "/static/label_grid.js";
import { count, missing, part, setUp } from "/static/label_parts.js";

const form = part("trial");
const grid = setUp({
  loaded: () => { if (!part("missing").hidden) check(); },
  submit: () => form.requestSubmit(),
  active: () => !form.hidden,
});

function check() {
  const text = missing(grid);
  part("missing").hidden = text === "";
  part("missing-text").textContent = text;
  return text === "";
}

form.addEventListener("submit", (event) => {
  if (!check()) {
    event.preventDefault();
    return;
  }
  if (grid.chosen.length === 0 && !part("empty").open && form.dataset.sure !== "true") {
    event.preventDefault();
    part("empty").showModal();
    return;
  }
  part("submit").disabled = true;
  part("ticks").replaceChildren(...grid.chosen.map((token) => element("input", { type: "hidden", name: "chosen", value: token })));
});
part("empty-yes").addEventListener("click", () => {
  part("empty").close();
  form.dataset.sure = "true";
  form.requestSubmit();
});
part("missing-reload").addEventListener("click", () => grid.retry());

form.hidden = false;
part("still").hidden = true;
grid.show(JSON.parse(form.dataset.images));
count(grid);
