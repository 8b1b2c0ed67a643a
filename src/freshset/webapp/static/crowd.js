// Ticks the assignments with enough controls right, for whoever approves them.

document.addEventListener("click", (event) => {
  if (!(event.target instanceof Element) || !event.target.matches("[data-tick]")) return;
  const least = Number(document.getElementById("least").value) / 100;
  for (const box of document.querySelectorAll("input[data-share]")) {
    box.checked = Number(box.dataset.share) >= least;
  }
});
