// The middle of the page: a channel or direct message, and the thread beside it.

import { el, icon, iconButton, reconcile } from "./dom.js";
import { Composer } from "./composer.js";
import { allOf, isReply, renderMessages } from "./messages.js";
import { mrkdwn } from "./mrkdwn.js";
import { avatar } from "./people.js";
import { conversationName } from "./sources.js";
import { HOME, appConversation, go, here, nameOf, store } from "./state.js";

const NEAR_END_PX = 100;

export const toSidebar = () =>
  iconButton("back", "Back to channels", () => document.body.classList.add("show-sidebar"), {
    class: "to-sidebar",
  });

const tabsSignature = () => `${store.place.at} ${appConversation()?.id}`;

/** Home | Messages, over everything that is the app's own. */
function appTabs() {
  const app = appConversation();
  const tab = (words, at) =>
    el(
      "button",
      {
        type: "button",
        role: "tab",
        "aria-selected": String(store.place.at === at),
        "data-focus": `tab ${words}`,
        disabled: !at,
        onclick: () => go(at),
      },
      words,
    );
  return el(
    "div",
    { class: "tabs", role: "tablist", "aria-label": store.snapshot.bot?.name ?? "App" },
    store.snapshot.bot?.home_tab ? tab("Home", HOME) : null,
    tab("Messages", app?.id ?? null),
  );
}

/** The head of a pane: the way back on a phone, a title, a note, and the app's tabs. */
export function renderHead(head, titleNode, noteNode, withTabs) {
  const words = [titleNode, noteNode].map((node) => node?.outerHTML ?? "");
  reconcile(head, [
    { key: "back", signature: "", draw: toSidebar },
    { key: "title", signature: words[0], draw: () => titleNode },
    ...(noteNode ? [{ key: "note", signature: words[1], draw: () => noteNode }] : []),
    ...(withTabs ? [{ key: "tabs", signature: tabsSignature(), draw: appTabs }] : []),
  ]);
}

function title(one) {
  const mark = one.is_im ? avatar(one.user, "small") : icon(one.is_private ? "lock" : "hash", 18);
  return el("h1", {}, mark, el("span", { dir: "auto" }, conversationName(one)));
}

function topic(one) {
  const words = typeof one.topic === "string" ? one.topic : one.topic?.value;
  return words ? el("span", { class: "topic quiet", dir: "auto" }, mrkdwn(words)) : null;
}

function beginning(one) {
  const words = one.is_im
    ? `This is the very beginning of your direct messages with ${nameOf(one.user)}.`
    : `This is the very beginning of #${one.name}.`;
  return el("p", { class: "beginning quiet", dir: "auto" }, words);
}

/** A list that stays at its end as it grows, unless one has scrolled up. */
class Scroller {
  constructor(list) {
    this.list = list;
    this.atEnd = true;
    this.node = el("div", { class: "scroller", tabindex: "-1", onscroll: () => this.note() }, list);
    new ResizeObserver(() => this.follow()).observe(list);
    new ResizeObserver(() => this.follow()).observe(this.node);
  }

  note() {
    this.atEnd =
      this.node.scrollHeight - this.node.scrollTop - this.node.clientHeight < NEAR_END_PX;
  }

  follow() {
    if (this.atEnd) this.node.scrollTop = this.node.scrollHeight;
  }

  toEnd() {
    this.atEnd = true;
    this.follow();
  }
}

const messageList = (label) => el("div", { class: "messages", role: "log", "aria-label": label });

export class Conversation {
  constructor() {
    this.head = el("header", { class: "pane-head" });
    this.start = el("div");
    this.list = messageList("Messages");
    this.scroller = new Scroller(el("div", { class: "timeline" }, this.start, this.list));
    this.composer = new Composer(
      "composer",
      "/ for commands, @ to mention, Shift + Enter for a new line",
      {
        place: () => this.place(),
        onsent: () => this.scroller.toEnd(),
      },
    );
    this.node = el(
      "main",
      { class: "pane conversation" },
      this.head,
      this.scroller.node,
      this.composer.node,
    );
  }

  place() {
    const one = here();
    const name = `Message ${one.is_im ? "" : "#"}${conversationName(one)}`;
    return {
      key: `${store.place.user} ${one.id}`,
      channel: one.id,
      thread: null,
      name,
      messages: () => allOf(one.id),
    };
  }

  render() {
    const one = here();
    const app = one === appConversation();
    renderHead(this.head, title(one), topic(one), app);
    const messages = allOf(one.id);
    const loaded = store.messages.has(one.id);
    this.start.replaceChildren(
      loaded ? beginning(one) : el("p", { class: "beginning quiet" }, "Loading…"),
    );
    const replies = Map.groupBy(messages.filter(isReply), (message) => message.thread_ts);
    const top = messages.filter(
      (message) => !isReply(message) || message.subtype === "thread_broadcast",
    );
    renderMessages(this.list, one.id, top, {
      repliesOf: (message) =>
        replies.get(message.ts)?.filter((reply) => !reply.ephemeral_user) ?? [],
    });
    this.composer.render();
    const key = `${store.place.user} ${one.id} ${loaded}`;
    if (key !== this.shown) this.scroller.toEnd();
    this.shown = key;
  }
}

export class Thread {
  constructor() {
    this.list = messageList("Thread");
    this.where = el("span", { class: "topic quiet", dir: "auto" });
    this.scroller = new Scroller(this.list);
    this.composer = new Composer("thread-composer", "@ to mention", {
      place: () => this.place(),
      onsent: () => this.scroller.toEnd(),
    });
    const close = () => go(store.place.at, null);
    this.node = el(
      "aside",
      { class: "pane thread", "data-testid": "thread", "aria-label": "Thread" },
      el(
        "header",
        { class: "pane-head" },
        el("h2", {}, "Thread"),
        this.where,
        iconButton("close", "Close thread", close, { class: "end" }),
      ),
      this.scroller.node,
      this.composer.node,
    );
  }

  messages() {
    const { at, thread } = store.place;
    return allOf(at).filter((message) => message.ts === thread || message.thread_ts === thread);
  }

  place() {
    const { user, at, thread } = store.place;
    return {
      key: `${user} ${at} ${thread}`,
      channel: at,
      thread,
      name: "Reply…",
      messages: () => this.messages(),
    };
  }

  render() {
    const one = here();
    const open = Boolean(store.place.thread && one);
    this.node.hidden = !open;
    if (!open) {
      this.shown = null;
      this.list.replaceChildren();
      return;
    }
    this.where.textContent = `${one.is_im ? "" : "#"}${conversationName(one)}`;
    renderMessages(this.list, one.id, this.messages(), { inThread: true });
    this.composer.render();
    const key = this.place().key;
    if (key !== this.shown) {
      this.scroller.toEnd();
      this.composer.box.focus();
    }
    this.shown = key;
  }
}
