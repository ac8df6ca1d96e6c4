// What one can do with a message of one's own: change it, delete it.

import { post } from "./api.js";
import { el } from "./dom.js";
import { confirm } from "./popup.js";
import { changed, notice, refresh, store } from "./state.js";
import { outgoing, typedText } from "./typing.js";

// The message being edited, and whether it is edited in its thread.
let editing = null;

export const isMine = (message) =>
  message.user === store.snapshot.me && !message.bot_id && !message.ephemeral_user;

const editKey = (channel, message, inThread) => `${channel} ${message.ts} ${Boolean(inThread)}`;

export const isEditing = (channel, message, inThread) =>
  editing === editKey(channel, message, inThread);

export function edit(channel, message, inThread) {
  editing = editKey(channel, message, inThread);
  changed();
}

function stop() {
  editing = null;
  changed();
}

/** Let the person edit their latest message of a list; false when there is none. */
export function editLatest(channel, messages, inThread) {
  const latest = messages.findLast(isMine);
  if (!latest) return false;
  edit(channel, latest, inThread);
  return true;
}

async function command(path, body) {
  const answer = await post(path, { user: store.place.user, ...body });
  if (answer.ok === false) notice(body.channel, `That did not work: ${answer.error}`);
  await refresh({ snapshot: true, channels: [body.channel] });
}

/** Delete a message, once the person is sure. */
export async function remove(channel, message) {
  const sure = await confirm({
    title: { type: "plain_text", text: "Delete message" },
    text: {
      type: "plain_text",
      text: "Are you sure you want to delete this message? This cannot be undone.",
    },
    confirm: { type: "plain_text", text: "Delete" },
    style: "danger",
  });
  if (sure) await command("/_control/delete", { channel, ts: message.ts });
}

async function save(channel, message, words) {
  if (!words) return;
  stop();
  if (words === typedText(message.text)) return;
  await command("/_control/edit", { channel, ts: message.ts, text: outgoing(words) });
}

/** The message as a text box. */
export function editor(channel, message) {
  const finish = () => save(channel, message, box.value.trim());
  const box = el("textarea", {
    class: "text-input",
    rows: 2,
    "aria-label": "Edit message",
    dir: "auto",
    "data-focus": `edit ${message.ts}`,
    onkeydown: (event) => {
      if (event.key === "Escape") stop();
      else if (event.key === "Enter" && !event.shiftKey && !event.isComposing) {
        event.preventDefault();
        finish();
      }
    },
  });
  box.value = typedText(message.text);
  queueMicrotask(() => box.focus());
  return el(
    "div",
    { class: "editor" },
    box,
    el(
      "div",
      { class: "dialog-buttons" },
      el("button", { type: "button", class: "button", onclick: stop }, "Cancel"),
      el("button", { type: "button", class: "button primary", onclick: finish }, "Save"),
    ),
  );
}
