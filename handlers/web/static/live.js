// Asks whether what the page shows is still true, and swaps the parts that are not. What is being
// typed, an open dialog and the focus stay as they are.
"use strict";

const EVERY_MS = 1500;
const place = document.querySelector("[data-live]");
let version = place.dataset.version;

const keyOf = (element) => element && (element.id || element.getAttribute("href") || element.value);

function find(region, key) {
  const all = region.querySelectorAll("a, button, input, summary, [tabindex]");
  return [...all].find((element) => keyOf(element) === key);
}

// What a part says, but for the keys of its forms, which are others each time it is drawn.
function saying(part) {
  const said = part.cloneNode(true);
  for (const key of said.querySelectorAll("input[name=once]")) key.remove();
  return said.outerHTML;
}

function swap(old, fresh) {
  if (saying(old) === saying(fresh)) return;
  const focused = old.contains(document.activeElement) ? keyOf(document.activeElement) : null;
  const ticked = [...old.querySelectorAll("input:checked")].map(keyOf);
  const open = [...old.querySelectorAll("details[open]")].map((one) => one.id);
  old.replaceWith(document.adoptNode(fresh));
  for (const key of ticked) {
    const box = find(fresh, key);
    if (box) box.checked = true;
  }
  for (const id of open) {
    const details = id && document.getElementById(id);
    if (details) details.open = true;
  }
  if (focused) (find(fresh, focused) || document.getElementById("main")).focus();
}

async function redraw() {
  const answer = await fetch(location.href);
  if (answer.redirected) return location.reload();
  if (answer.status === 404) return location.reload();
  if (!answer.ok) return;
  const page = new DOMParser().parseFromString(await answer.text(), "text/html");
  if (page.querySelector("[data-live]")?.dataset.live !== place.dataset.live) return location.reload();
  for (const old of document.querySelectorAll("[data-live-part]")) {
    const fresh = page.getElementById(old.id);
    if (fresh) swap(old, fresh);
  }
  version = page.querySelector("[data-live]").dataset.version;
  document.title = page.title;
  if (place.dataset.live.includes("bill=")) changed();
}

// What was told of this bill when its page was opened, and what a dialog asks, is of before.
function changed() {
  place.querySelector(":scope > .notice")?.remove();
  document.dispatchEvent(new Event("changed"));
}

async function ask() {
  if (document.visibilityState !== "visible") return;
  const answer = await fetch(place.dataset.live, {
    headers: { "If-None-Match": `"${version}"` },
    cache: "no-store",
  });
  signedIn(!answer.redirected);
  if (answer.status === 204 && !answer.redirected) await redraw();
}

// Who signed out elsewhere sees no figures here any more, and keeps what they were typing.
function signedIn(is) {
  if (is !== Boolean(document.body.dataset.signedOut)) return;
  if (is) delete document.body.dataset.signedOut;
  else document.body.dataset.signedOut = "yes";
  for (const part of document.querySelectorAll("[data-live-part]")) part.hidden = !is;
  if (is) tellPage("");
  else tellPage(`You are signed out. ${SIGN_IN}, and go on here: what you typed stays.`);
}

const UNANSWERED = 3;
let unanswered = 0;

function answered(is) {
  if (is && unanswered >= UNANSWERED) tellPage("");
  unanswered = is ? 0 : unanswered + 1;
  if (unanswered === UNANSWERED) {
    const since = new Date().toLocaleTimeString();
    tellPage(`Countersign does not answer since ${since}: this page shows how things stood then.`);
  }
}

async function again() {
  try {
    await ask();
    answered(true);
  } catch {
    answered(false);
  }
  setTimeout(again, EVERY_MS);
}

document.addEventListener("visibilitychange", () => ask().catch(() => {}));
setTimeout(again, EVERY_MS);
