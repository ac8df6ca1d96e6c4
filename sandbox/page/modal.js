// The stack of dialogs the app has opened for this person.

import { post } from "./api.js";
import { drawBlocks } from "./blocks.js";
import { el, freshId, icon, iconButton } from "./dom.js";
import { collect, forget, problems } from "./fields.js";
import { plain, textObject } from "./mrkdwn.js";
import { avatar } from "./people.js";
import { closePopup, modalDialog } from "./popup.js";
import { botName, refresh, store } from "./state.js";

let dialog = null;
let shown = "";
let known = new Set();

const stack = () => store.snapshot.views?.stack ?? [];
const containerOf = (view) => `v:${view.id}`;

function showError(node, words) {
  const line = node.querySelector(".input-error");
  line.textContent = words;
  line.hidden = !words;
  node.classList.toggle("invalid", Boolean(words));
  node
    .querySelector("input, textarea, .select, .choices")
    ?.setAttribute("aria-invalid", String(Boolean(words)));
}

function showErrors(errors) {
  for (const node of dialog.querySelectorAll(".block-input")) {
    const words = errors[node.dataset.blockId];
    showError(node, words ?? "");
  }
  const first = dialog.querySelector(".block-input.invalid");
  first?.querySelector("input, textarea, button")?.focus();
  first?.scrollIntoView({ block: "nearest" });
}

function clearError(blockId) {
  const node = dialog?.querySelector(`.block-input[data-block-id="${CSS.escape(blockId)}"]`);
  if (!node?.classList.contains("invalid")) return;
  showError(node, "");
}

function complain(words) {
  const line = dialog.querySelector(".dialog-problem");
  line.hidden = !words;
  line.replaceChildren(icon("warning", 16), words ?? "");
}

/** Does `work` unless this dialog is at work already; `dialog.work` ends when it is done. */
function whileBusy(button, work) {
  const mine = dialog;
  if (mine.work) return mine.work;
  button?.setAttribute("aria-busy", "true");
  mine.work = work().finally(() => {
    mine.work = null;
    button?.removeAttribute("aria-busy");
  });
  return mine.work;
}

async function submit(view, button) {
  const found = problems(containerOf(view), view.blocks, view.state?.values);
  showErrors(found);
  complain(null);
  if (Object.keys(found).length) return;
  await whileBusy(button, async () => {
    const values = collect(containerOf(view), view.blocks, view.state?.values);
    const answer = await post("/_control/submit", {
      user: store.place.user,
      view_id: view.id,
      values,
    });
    if (answer.errors) showErrors(answer.errors);
    else if (answer.ok === false) complain(`${botName()} failed to respond: ${answer.error}`);
    await refresh({ snapshot: true });
  });
}

/**
 * Close the view on top, or with `all` the first, which takes the others along. What the dialog
 * has sent is answered first: a view that is drawn before that can be closed at once.
 */
async function close(button, all = false) {
  const top = stack().at(-1);
  const view = all || top?.clear_on_close ? stack()[0] : top;
  await dialog.work;
  if (!stack().some((one) => one.id === view.id)) return;
  await whileBusy(button, async () => {
    await post("/_control/close", { user: store.place.user, view_id: view.id });
    await refresh({ snapshot: true });
  });
}

function buttons(view) {
  const cancel = el(
    "button",
    {
      type: "button",
      class: "button",
      "data-focus": "close",
      onclick: (event) => close(event.currentTarget),
    },
    view.close ? plain(view.close) : view.submit ? "Cancel" : "Close",
  );
  if (!view.submit) return el("div", { class: "dialog-buttons" }, cancel);
  const send = el(
    "button",
    {
      type: "submit",
      class: "button primary",
      "data-focus": "submit",
      disabled: view.submit_disabled,
    },
    plain(view.submit),
  );
  return el("div", { class: "dialog-buttons" }, cancel, send);
}

function content(view, depth) {
  const title = freshId("dialog");
  const back =
    depth > 1
      ? iconButton("back", "Back", (event) => close(event.currentTarget))
      : avatar(store.snapshot.bot?.id ?? "", "small");
  const surface = {
    container: containerOf(view),
    address: { view_id: view.id },
    state: view.state?.values,
    edited: clearError,
  };
  const form = el(
    "form",
    {
      novalidate: true,
      onsubmit: (event) => {
        event.preventDefault();
        submit(view, form.querySelector("[type=submit]"));
      },
    },
    el(
      "header",
      { class: "dialog-head" },
      back,
      el("h2", { id: title, dir: "auto" }, textObject(view.title)),
      iconButton("close", "Close", (event) => close(event.currentTarget, true), { class: "end" }),
    ),
    el("div", { class: "dialog-body" }, drawBlocks(view.blocks ?? [], surface)),
    el("p", { class: "dialog-problem", role: "alert", hidden: true }),
    buttons(view),
  );
  return { form, title };
}

function draw(view, depth, isSame) {
  closePopup();
  const focused = dialog.contains(document.activeElement)
    ? document.activeElement.closest("[data-focus]")?.dataset.focus
    : null;
  const scroll = dialog.querySelector(".dialog-body")?.scrollTop ?? 0;
  const { form, title } = content(view, depth);
  dialog.setAttribute("aria-labelledby", title);
  dialog.dataset.view = view.id;
  dialog.replaceChildren(form);
  if (isSame) dialog.querySelector(".dialog-body").scrollTop = scroll;
  const again =
    isSame && focused ? dialog.querySelector(`[data-focus="${CSS.escape(focused)}"]`) : null;
  const first =
    dialog.querySelector("[data-autofocus]") ??
    dialog.querySelector(".dialog-body :is(input, textarea, select, .select)");
  (
    again ??
    first ??
    dialog.querySelector("[type=submit]") ??
    dialog.querySelector("[data-focus=close]")
  )?.focus();
}

function openDialog() {
  dialog = modalDialog({ class: "modal" });
  dialog.addEventListener("cancel", (event) => {
    event.preventDefault();
    close(null);
  });
}

function forgetGone() {
  const present = new Set(stack().map(containerOf));
  for (const container of known) if (!present.has(container)) forget(container);
  known = present;
}

/** All that is drawn of a view; what was entered changes nothing of it. */
function signatureOf(view, depth) {
  const { state, hash, ...drawn } = view;
  return JSON.stringify([store.place.user, depth, drawn]);
}

/** Show the top of this person's stack, or nothing. */
export function renderModal() {
  const views = stack();
  const view = views.at(-1);
  const signature = view ? signatureOf(view, views.length) : "";
  if (signature === shown) return;
  const isSame = dialog?.dataset.view === view?.id;
  shown = signature;
  if (!view) {
    dialog?.close();
    dialog = null;
  } else {
    if (!dialog?.isConnected) openDialog();
    draw(view, views.length, isSame);
  }
  forgetGone();
}
