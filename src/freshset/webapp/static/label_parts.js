// What the labelling page and the trial share: the grid with its keys, large view, help and size.

import { Grid } from "/static/label_grid.js";
import { listen } from "/static/label_keys.js";
import { Zoom } from "/static/label_zoom.js";

const SIZE = "freshset.size";

export const part = (name) => document.getElementById(name);

// events: `changed` and `loaded` of Grid; submit(): Enter; active(): whether the grid is there.
export function setUp({ changed, loaded, submit, active }) {
  const grid = new Grid(part("grid"), {
    changed: () => {
      count(grid);
      changed?.();
    },
    loaded,
    hold: (place, pointer) => zoom.open(place, pointer),
  });
  const zoom = new Zoom(part("zoom"), grid);
  const help = () => part("help").showModal();
  const size = part("size");
  const resize = (by) => {
    size.value = Number(size.value) + by;
    part("grid").dataset.size = size.value;
    try { localStorage.setItem(SIZE, size.value); } catch { /* private window */ }
  };
  try { size.value = localStorage.getItem(SIZE) ?? size.value; } catch { /* likewise */ }
  resize(0);
  size.addEventListener("input", () => resize(0));
  const does = { submit, help, zoom: (place) => zoom.open(place), larger: () => resize(1), smaller: () => resize(-1) };
  listen(grid, does, active);
  // Buttons of the grid leave the focus there, so that keys go on.
  const back = (act) => () => {
    act();
    grid.focus();
  };
  part("undo").addEventListener("click", back(() => grid.undo()));
  part("none").addEventListener("click", back(() => grid.none()));
  part("all").addEventListener("click", back(() => grid.all()));
  part("help-open").addEventListener("click", help);
  return grid;
}

export function count(grid) {
  part("count").textContent = `${grid.chosen.length} of ${grid.size} ticked`;
  part("undo").disabled = !grid.undoable;
}

// What still keeps a grid from being submitted, in words; empty for nothing.
export function missing(grid) {
  const some = (n, one, many) => (n === 1 ? `One image ${one}` : `${n} images ${many}`);
  if (grid.broken) return `${some(grid.broken, "is", "are")} missing. Load again, or give the task back: nobody can say what is not there.`;
  if (grid.waiting) return `${some(grid.waiting, "is", "are")} still loading. Submit when all are there.`;
  return "";
}
