// What somebody typed into a form that they sent after they had been signed out is in it again once
// they have signed in on this tab. A dialog stays open then, and keeps it itself. Nobody else sees
// what was kept, and no password is.
"use strict";

const DRAFT = "draft";
const UNKEPT = ["hidden", "password", "file", "checkbox", "radio", "submit", "button"];
const reader = document.body.dataset.reader;

function before(field) {
  if (!field.options) return field.defaultValue;
  return [...field.options].find((one) => one.defaultSelected)?.value;
}

function keepDraft(event) {
  const form = event.target;
  const wasOut = Boolean(document.body.dataset.signedOut);
  const isLeft = form.closest("dialog") || (event.defaultPrevented && !wasOut);
  if (isLeft || form.method !== "post" || !reader) return;
  const typed = [...form.elements].filter(
    (one) => one.name && !UNKEPT.includes(one.type) && one.value !== before(one),
  );
  if (!typed.length) return;
  const fields = typed.map((one) => [one.name, one.value]);
  sessionStorage.setItem(DRAFT, JSON.stringify({ reader, action: form.action, fields, wasOut }));
}

// A page of somebody signed in follows a form that went through, unless one had to sign in between.
function giveBack() {
  const draft = JSON.parse(sessionStorage.getItem(DRAFT));
  if (!draft) return;
  if (!reader) return sessionStorage.setItem(DRAFT, JSON.stringify({ ...draft, wasOut: true }));
  const isTheirs = draft.wasOut && draft.reader === reader;
  const form = [...document.forms].find((one) => one.action === draft.action);
  if (isTheirs && !form) return;
  sessionStorage.removeItem(DRAFT);
  if (!isTheirs) return;
  for (const [name, value] of draft.fields) {
    const field = form.elements.namedItem(name);
    if (field) field.value = value;
  }
  tell(form, "You were signed out when you sent this, so nothing was done. What you typed is here again.");
}

document.addEventListener("submit", keepDraft);
giveBack();
