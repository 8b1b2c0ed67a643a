// Forms that ask the app to do one thing:
//
//   <form data-api="/api/components/cut" data-then="/components/…">
//
// sends its fields as JSON and goes on to `data-then`, where {name} stands for what the answer calls so.
// A field is a text, or by its data-kind a number, a list of one text, or maybe nothing.
// What goes wrong is said in the form.
import { call } from "/static/api.js";

const kinds = {
  number: Number,
  list: (text) => [text],
  maybe: (text) => text || null,
};

for (const form of document.querySelectorAll("form[data-api]")) {
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    const button = event.submitter ?? form.querySelector("button");
    button.disabled = true;
    try {
      const answer = await call("POST", form.dataset.api, fields(form), { seconds: 120 });
      const then = form.dataset.then.replace(/\{(\w+)\}/g, (_, name) => encodeURIComponent(answer[name]));
      if (then === location.pathname) location.reload();
      else location.assign(then);
    } catch (problem) {
      button.disabled = false;
      say(form, `${problem.message} ${problem.detail ?? ""}`);
    }
  });
}

function fields(form) {
  const body = {};
  for (const field of form.elements) {
    if (!field.name) continue;
    body[field.name] = (kinds[field.dataset.kind] ?? String)(field.value);
  }
  return body;
}

function say(form, text) {
  let said = form.querySelector(".problem");
  if (!said) {
    said = document.createElement("p");
    said.className = "problem";
    said.setAttribute("role", "alert");
    form.append(said);
  }
  said.textContent = text;
}
