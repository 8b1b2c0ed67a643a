// A link in the list lights up its edge in the graph.
for (const line of document.querySelectorAll("[data-edge]")) {
  const edge = document.getElementById(line.dataset.edge);
  const light = (on) => () => edge.classList.toggle("lit", on);
  line.addEventListener("mouseenter", light(true));
  line.addEventListener("focusin", light(true));
  line.addEventListener("mouseleave", light(false));
  line.addEventListener("focusout", light(false));
}
