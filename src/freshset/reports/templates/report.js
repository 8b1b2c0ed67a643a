"use strict";
(() => {
  const all = (selector, root = document) => Array.from(root.querySelectorAll(selector));
  all("[hidden]:not(#tip)").forEach((element) => { element.hidden = false; });

  // Theme: automatic, light, dark.  Storage can be forbidden (file://), and then it is not kept.
  const theme = document.getElementById("theme");
  const themes = ["auto", "light", "dark"];
  const labels = { auto: "automatic", light: "light", dark: "dark" };
  const setTheme = (name) => {
    if (name === "auto") document.documentElement.removeAttribute("data-theme");
    else document.documentElement.dataset.theme = name;
    theme.dataset.now = name;
    theme.textContent = "Theme: " + name;
    theme.setAttribute("aria-label", "Colour theme: " + labels[name]);
  };
  let stored = "auto";
  try { stored = localStorage.getItem("freshset-theme") || "auto"; } catch { /* not kept */ }
  setTheme(themes.includes(stored) ? stored : "auto");
  theme.addEventListener("click", () => {
    const next = themes[(themes.indexOf(theme.dataset.now) + 1) % themes.length];
    setTheme(next);
    try { localStorage.setItem("freshset-theme", next); } catch { /* not kept */ }
  });

  // Sorting by a column: numbers by their raw value, text as people sort it.
  const collator = new Intl.Collator(undefined, { numeric: true, sensitivity: "base" });
  const key = (cell) => {
    if (cell.dataset.v !== undefined) return Number(cell.dataset.v);
    return cell.textContent;
  };
  const order = (a, b) => (typeof a === "number" && typeof b === "number"
    ? a - b : collator.compare(String(a), String(b)));
  all("table.sortable").forEach((table) => {
    const body = table.tBodies[0];
    all("thead th", table).forEach((head, column) => {
      head.querySelector("button").addEventListener("click", () => {
        const sign = head.getAttribute("aria-sort") === "ascending" ? -1 : 1;
        all("thead th", table).forEach((other) => other.setAttribute("aria-sort", "none"));
        head.setAttribute("aria-sort", sign === 1 ? "ascending" : "descending");
        const rows = Array.from(body.rows, (row) => [key(row.cells[column]), row]);
        rows.sort((a, b) => sign * order(a[0], b[0]));
        body.append(...rows.map((pair) => pair[1]));
      });
    });
  });

  // Filtering by a part of the model's name.
  all("[data-filter]").forEach((input) => {
    const rows = all("tbody tr", document.getElementById(input.dataset.filter));
    const names = rows.map((row) => row.querySelector("th").textContent.toLowerCase());
    const output = input.parentElement.querySelector("output");
    const apply = () => {
      const wanted = input.value.trim().toLowerCase();
      let shown = 0;
      rows.forEach((row, i) => {
        row.hidden = !names[i].includes(wanted);
        shown += row.hidden ? 0 : 1;
      });
      const total = rows.length.toLocaleString("en");
      output.textContent = wanted
        ? shown.toLocaleString("en") + " of " + total + " models" : total + " models";
    };
    input.addEventListener("input", apply);
    apply();
  });

  // Linear or probit axes.
  all("[data-scales]").forEach((choice) => {
    const panes = all("[data-scale]", choice.parentElement);
    const apply = () => {
      const scale = choice.querySelector("input:checked").value;
      panes.forEach((pane) => { pane.hidden = pane.dataset.scale !== scale; });
    };
    choice.addEventListener("change", apply);
    apply();
  });

  // Marks: the nearest one within reach is named, by pointer or by arrow keys.
  const tip = document.getElementById("tip");
  const hide = (svg) => {
    tip.hidden = true;
    all(".ring", svg).forEach((ring) => ring.remove());
  };
  const shape = (svg, mark, rect) => {
    all(".ring", svg).forEach((ring) => ring.remove());
    const ring = document.createElementNS(svg.namespaceURI, rect ? "rect" : "circle");
    const values = rect || { cx: mark.x, cy: mark.y, r: 6 };
    Object.entries(values).forEach(([name, value]) => ring.setAttribute(name, value));
    ring.setAttribute("class", "ring");
    svg.append(ring);
    return ring;
  };
  const show = (svg, mark, text, rect) => {
    const box = shape(svg, mark, rect).getBoundingClientRect();
    if (tip.textContent !== text) tip.textContent = text;
    tip.hidden = false;
    const left = Math.min(box.right + 10, window.innerWidth - tip.offsetWidth - 8);
    const below = box.bottom + 10 + tip.offsetHeight < window.innerHeight;
    const top = below ? box.bottom + 10 : Math.max(8, box.top - 10 - tip.offsetHeight);
    tip.style.transform = "translate(" + Math.max(8, left) + "px," + top + "px)";
  };
  const read = (svg) => all(".mark", svg).map((element) => {
    const title = element.querySelector("title");
    const text = title.textContent;
    title.remove(); // or the browser would show it a second time
    if (element.dataset.cells) {
      const box = element.getBBox();
      return { text, cells: element.dataset.cells, y: box.y + box.height / 2, size: box.height };
    }
    return { text, x: Number(element.getAttribute("x")), y: Number(element.getAttribute("y")) };
  });
  const at = (svg, event) => new DOMPoint(event.clientX, event.clientY)
    .matrixTransform(svg.getScreenCTM().inverse());

  const chart = (svg) => {
    let marks = null;
    let now = -1;
    const ready = () => { marks = marks || read(svg); return marks; };
    const go = (i) => { now = i; show(svg, marks[i], marks[i].text); };
    svg.addEventListener("pointermove", (event) => {
      const point = at(svg, event);
      let best = -1;
      let nearest = 14 * 14;
      ready().forEach((mark, i) => {
        const far = (mark.x - point.x) ** 2 + (mark.y - point.y) ** 2;
        if (far < nearest) { nearest = far; best = i; }
      });
      if (best < 0) hide(svg); else go(best);
    });
    svg.addEventListener("keydown", (event) => {
      const step = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 }[event.key];
      if (step === undefined || !ready().length) return;
      event.preventDefault();
      go((now + step + marks.length + (now < 0 && step < 0 ? 1 : 0)) % marks.length);
    });
  };

  const matrix = (svg) => {
    let rows = null;
    let frame = null;
    let spot = [0, -1];
    const ready = () => {
      if (!rows) {
        rows = read(svg);
        frame = svg.querySelector(".frame").getBBox();
      }
      return rows;
    };
    const go = (i, j) => {
      spot = [i, j];
      const size = frame.width / rows.length;
      const name = (row) => rows[row].text.split("\n", 1)[0];
      const told = rows[i].cells[j] === "1" ? "told apart" : "tied";
      const text = i === j ? rows[i].text
        : name(i) + "\n" + told + (told === "tied" ? " with " : " from ") + name(j)
          + "\nplaces " + (i + 1) + " and " + (j + 1);
      const rect = { x: frame.x + j * size, y: frame.y + i * size, width: size, height: size };
      show(svg, rows[i], text, rect);
    };
    svg.addEventListener("pointermove", (event) => {
      const count = ready().length;
      const point = at(svg, event);
      const i = Math.floor((point.y - frame.y) / frame.height * count);
      const j = Math.floor((point.x - frame.x) / frame.width * count);
      if (i < 0 || i >= count || j >= count) hide(svg);
      else go(i, j < 0 ? i : j); // on a name: that model as a whole
    });
    svg.addEventListener("keydown", (event) => {
      const step = { ArrowRight: [0, 1], ArrowLeft: [0, -1], ArrowDown: [1, 0], ArrowUp: [-1, 0] };
      const move = step[event.key];
      if (!move) return;
      event.preventDefault();
      const last = ready().length - 1;
      go(...spot.map((value, k) => Math.min(last, Math.max(0, value + move[k]))));
    });
  };

  all(".canvas svg").forEach((svg) => {
    if (svg.querySelector("[data-cells]")) matrix(svg); else chart(svg);
    svg.addEventListener("pointerleave", () => hide(svg));
    svg.addEventListener("blur", () => hide(svg));
    svg.addEventListener("keydown", (event) => { if (event.key === "Escape") hide(svg); });
  });
  window.addEventListener("scroll", () => { tip.hidden = true; }, { passive: true });
})();
