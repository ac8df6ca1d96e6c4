// The page: who one is, where one is, and what is there.

import { Conversation, Thread } from "./conversation.js";
import { el, reconcile } from "./dom.js";
import { renderHint } from "./hint.js";
import { Home } from "./home.js";
import { keepTrying, listen } from "./live.js";
import { Mail } from "./mail.js";
import { renderModal } from "./modal.js";
import { switcher } from "./people.js";
import { renderSidebar } from "./sidebar.js";
import { HOME, MAIL, appConversation, go, me, start, store, subscribe } from "./state.js";

const top = el("header", { class: "top" });
const hintBar = el("div", { class: "hint-slot" });
const sidebar = el("nav", { class: "sidebar", "aria-label": "Channels and direct messages" });
const middle = el("div", { class: "middle" });
const status = el("div", { class: "connection", role: "status" });
const conversation = new Conversation();
const thread = new Thread();
const home = new Home();
const mail = new Mail();

function useHint(command) {
  if (store.place.at === HOME || store.place.at === MAIL) {
    go(appConversation()?.id ?? store.snapshot.conversations[0]?.id);
    render();
  }
  document.body.classList.remove("show-sidebar");
  conversation.composer.put(command);
}

function renderTop() {
  const { team } = store.snapshot;
  const user = me();
  reconcile(top, [
    {
      key: "team",
      signature: team.name,
      draw: () =>
        el(
          "div",
          { class: "team" },
          el("strong", { dir: "auto" }, team.name),
          /sandbox/i.test(team.name) ? null : el("span", { class: "sandbox-mark" }, "Sandbox"),
        ),
    },
    { key: "who", signature: JSON.stringify([user]), draw: switcher },
  ]);
}

function renderStatus() {
  const bot = store.snapshot?.bot;
  const words = !store.online
    ? "The sandbox cannot be reached. Trying again…"
    : bot && bot.connected === false
      ? `${bot.name} is not connected yet. What you send it now will fail.`
      : "";
  if (status.textContent !== words) status.textContent = words;
}

function paneOf(at) {
  return { [HOME]: home, [MAIL]: mail }[at] ?? conversation;
}

function renderMiddle() {
  const pane = paneOf(store.place.at);
  if (middle.firstChild !== pane.node) middle.replaceChildren(pane.node, thread.node);
  pane.render();
  thread.render();
}

function renderTitle() {
  const unread = store.snapshot.conversations.reduce((sum, one) => sum + (one.unread ?? 0), 0);
  document.title = `${unread ? `(${unread}) ` : ""}${store.snapshot.team.name} · Countersign sandbox`;
}

function render() {
  renderStatus();
  if (!store.snapshot || !store.place.at) return;
  document.body.classList.add("ready");
  renderHint(hintBar, useHint);
  renderTop();
  renderSidebar(sidebar);
  renderMiddle();
  renderModal();
  renderTitle();
  listen();
}

document
  .getElementById("page")
  .replaceChildren(top, hintBar, status, el("div", { class: "columns" }, sidebar, middle));
subscribe(render);
await start();
keepTrying();
