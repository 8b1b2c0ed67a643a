// The keys of the grid.  They rest while a dialog is open, in fields, and with Ctrl, Alt or Meta.

const MOVES = {
  ArrowLeft: [-1, 0], h: [-1, 0], ArrowRight: [1, 0], l: [1, 0],
  ArrowUp: [0, -1], k: [0, -1], ArrowDown: [0, 1], j: [0, 1],
};
const DIGITS = 900; // milliseconds within which digits make one number

// does: what else keys do, by name: submit, help, zoom, larger, smaller.
// active(): whether the grid is there.
export function listen(grid, does, active) {
  let typed = "", at = 0;
  const jump = (digit) => {
    const now = performance.now();
    typed = now - at < DIGITS ? typed + digit : digit;
    at = now;
    if (Number(typed) > grid.size) typed = digit;
    if (Number(typed) > 0) grid.focus(Number(typed) - 1);
  };
  const plain = {
    a: () => grid.all(), n: () => grid.none(), z: () => grid.undo(),
    v: () => does.zoom?.(grid.current), "?": () => does.help?.(),
    "+": () => does.larger?.(), "-": () => does.smaller?.(),
    Home: () => grid.focus(0), End: () => grid.focus(grid.size - 1),
  };
  document.addEventListener("keydown", (event) => {
    const target = event.target instanceof Element ? event.target : document.body;
    if (!active() || event.defaultPrevented || document.querySelector("dialog[open]")) return;
    if (target.closest("input, textarea, select, [contenteditable]")) return;
    if (event.key === "z" && (event.ctrlKey || event.metaKey)) grid.undo();
    else if (event.ctrlKey || event.metaKey || event.altKey) return;
    else if (event.key in MOVES) grid.move(...MOVES[event.key]);
    else if (/^[0-9]$/.test(event.key)) jump(event.key);
    else if (event.key in plain) plain[event.key]();
    // What has the focus is meant by these.
    else if (target.closest("a, button, summary")) return;
    else if (event.key === " ") {
      if (event.repeat) { /* one press, one tick */ }
      else if (event.shiftKey) grid.range();
      else grid.toggle();
    } else if (event.key === "Enter") {
      if (!event.repeat) does.submit?.();
    } else return;
    event.preventDefault();
  });
}
