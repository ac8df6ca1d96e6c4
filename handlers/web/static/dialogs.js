// A link marked data-dialog leads to a form page, which opens here in a dialog. A form that is
// refused comes back with its errors into the same dialog; one that is done leads on.
"use strict";

const bodyOf = (html) =>
  new DOMParser().parseFromString(html, "text/html").querySelector("[data-dialog-body]");

function opened(link) {
  const dialog = document.createElement("dialog");
  dialog.addEventListener("close", () => {
    dialog.remove();
    (link.isConnected ? link : document.getElementById("main")).focus();
  });
  dialog.addEventListener("click", (event) => {
    if (event.target.closest("[data-close]")) {
      event.preventDefault();
      dialog.close();
    }
  });
  dialog.addEventListener("submit", (event) => submitted(event, dialog));
  document.body.append(dialog);
  return dialog;
}

// One that asks for nothing is read from its title on, not from its first button.
function show(dialog, body) {
  const title = body.querySelector("h1");
  if (title) {
    title.id = "dialog-title";
    title.tabIndex = -1;
    dialog.setAttribute("aria-labelledby", title.id);
  }
  dialog.replaceChildren(document.adoptNode(body));
  if (!dialog.open) dialog.showModal();
  const wrong = dialog.querySelector("[aria-invalid], .field input, .field select, .field textarea");
  dialog.scrollTop = 0;
  (wrong || title)?.focus();
}

// One at a time: a second click, wherever, opens nothing until the form of the first is there.
async function openForm(address, by) {
  if (document.querySelector("[aria-busy]")) return;
  by.setAttribute("aria-busy", "true");
  try {
    const answer = await fetch(address);
    const body = bodyOf(await answer.text());
    if (answer.redirected || !body) throw new Error("no form there");
    show(opened(by), body);
  } catch (trouble) {
    orElse(trouble, address);
  }
  by.removeAttribute("aria-busy");
}

function follow(event) {
  const link = event.target.closest("a[data-dialog]");
  if (!link || event.button || event.ctrlKey || event.metaKey || event.shiftKey) return;
  event.preventDefault();
  openForm(link.href, link);
}

// What cannot open here is a page of its own, unless nobody answers at all.
function orElse(trouble, address) {
  if (!(trouble instanceof TypeError)) return location.assign(address);
  tellPage("Countersign does not answer just now. Try again in a moment.");
  document.getElementById("trouble").scrollIntoView({ block: "nearest" });
}

function lead(address) {
  const isHere = address.split("#")[0] === location.href.split("#")[0];
  if (isHere) location.reload();
  else location.assign(address);
}

class SignedOut extends Error {}
const isSignIn = (address) => new URL(address).pathname === "/welcome";
const SIGN_IN = "Sign in on another tab";
const SIGNED_OUT = `You are signed out. ${SIGN_IN}, and send this again: what you typed stays.`;
const UNREACHED = "That did not reach Countersign. Nothing was lost: try again.";

async function submitted(event, dialog) {
  const form = event.target;
  if (form.method !== "post") return;
  event.preventDefault();
  if (dialog.getAttribute("aria-busy")) return;
  dialog.setAttribute("aria-busy", "true");
  const data = new FormData(form, event.submitter);
  const isFile = form.enctype === "multipart/form-data";
  try {
    const answer = await fetch(form.action, {
      method: "POST",
      body: isFile ? data : new URLSearchParams(data),
    });
    if (answer.redirected && !isSignIn(answer.url)) return lead(answer.url);
    if (answer.redirected) throw new SignedOut();
    const body = bodyOf(await answer.text());
    if (!body) throw new Error("nothing to show");
    show(dialog, body);
  } catch (trouble) {
    tell(form, trouble instanceof SignedOut ? SIGNED_OUT : UNREACHED);
  }
  dialog.removeAttribute("aria-busy");
}

function tell(form, words) {
  const notice = form.querySelector(".notice") || document.createElement("p");
  notice.className = "notice notice-problem";
  notice.setAttribute("role", "alert");
  say(notice, words);
  form.prepend(notice);
}

// The words, leading to where one signs in if they ask for that.
function say(notice, words) {
  const [before, after] = words.split(SIGN_IN);
  notice.textContent = before;
  if (after === undefined) return;
  const link = document.createElement("a");
  link.href = "/welcome";
  link.target = "_blank";
  link.textContent = SIGN_IN;
  notice.append(link, after);
}

// A form marked data-dialog asks for another form, by what is chosen in it.
function choose(event) {
  const form = event.target;
  if (form.method !== "get" || !form.hasAttribute("data-dialog")) return;
  event.preventDefault();
  const query = new URLSearchParams(new FormData(form, event.submitter));
  openForm(`${form.action}?${query}`, event.submitter || form);
}

// Says what is wrong with the page as a whole, above all of it; without words nothing is any more.
function tellPage(words) {
  document.getElementById("trouble")?.remove();
  if (!words) return;
  const notice = document.createElement("p");
  notice.id = "trouble";
  notice.className = "notice notice-problem";
  notice.setAttribute("role", "alert");
  say(notice, words);
  document.getElementById("main").prepend(notice);
}

// A form that leads on is sent once, however often it is clicked until the next page is there.
function once(event) {
  const form = event.target;
  if (event.defaultPrevented || form.method !== "post") return;
  if (document.body.dataset.signedOut || form.hasAttribute("aria-busy")) event.preventDefault();
  else form.setAttribute("aria-busy", "true");
}

function pageShown() {
  for (const form of document.querySelectorAll("form[aria-busy]")) form.removeAttribute("aria-busy");
}

// The page behind an open dialog has changed, so what the dialog asks may be settled already.
function changedBehind() {
  const form = document.querySelector("dialog[open] form[method=post]");
  if (form) tell(form, "The bill has changed meanwhile: close this to see how it stands.");
}

document.addEventListener("click", follow);
document.addEventListener("submit", choose);
document.addEventListener("submit", once);
document.addEventListener("changed", changedBehind);
window.addEventListener("pageshow", pageShown);
