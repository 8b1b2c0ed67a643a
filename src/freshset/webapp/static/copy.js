// Buttons that copy what stands in a field: <button data-copy="id of the field">.

for (const button of document.querySelectorAll("button[data-copy]")) {
  const field = document.getElementById(button.dataset.copy);
  const said = document.getElementById(button.dataset.said);
  field.addEventListener("focus", () => field.select());
  button.addEventListener("click", async () => {
    field.select();
    let done = true;
    try {
      await navigator.clipboard.writeText(field.value);
    } catch {
      // Pages without HTTPS may not use the clipboard, but may still do this.
      done = document.execCommand("copy");
    }
    said.textContent = done ? "Copied." : "Select the link and copy it.";
  });
}
