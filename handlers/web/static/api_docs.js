// Asks the API what a form describes, and shows what it answers.
"use strict";

function requestOf(form) {
  let path = form.dataset.path;
  const query = new URLSearchParams();
  const headers = {};
  let body;
  for (const field of form.querySelectorAll("[data-in]")) {
    const value = field.value;
    if (field.dataset.in === "path") path = path.replace(`{${field.name}}`, encodeURIComponent(value));
    else if (field.dataset.in === "body") body = value;
    else if (value === "") continue;
    else if (field.dataset.in === "query") query.set(field.name, value);
    else headers[field.name] = value;
  }
  if (body !== undefined) headers["Content-Type"] = "application/json";
  const address = query.size ? `${path}?${query}` : path;
  return [address, { method: form.dataset.method, headers, body }];
}

function laidOut(text) {
  try {
    return JSON.stringify(JSON.parse(text), null, 2);
  } catch {
    return text;
  }
}

async function tryIt(event) {
  event.preventDefault();
  const form = event.target;
  const shown = form.querySelector("pre");
  shown.hidden = false;
  shown.textContent = "Asking …";
  try {
    const answer = await fetch(...requestOf(form));
    const text = await answer.text();
    shown.textContent = `${answer.status} ${answer.statusText}\n${laidOut(text)}`;
  } catch (trouble) {
    shown.textContent = `No answer: ${trouble.message}`;
  }
}

for (const form of document.querySelectorAll("form[data-path]")) {
  form.addEventListener("submit", tryIt);
  form.querySelector("button").hidden = false;
}
