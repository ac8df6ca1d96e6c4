// Messages: one of them, and a list of them.

import { drawBlocks } from "./blocks.js";
import { ago, bareClock, clock, dateOf, dayKey, dayName, fullTime } from "./dates.js";
import { el, icon, iconButton, reconcile } from "./dom.js";
import { edit, editor, isEditing, isMine, remove } from "./editing.js";
import { emojiNode, mrkdwn } from "./mrkdwn.js";
import { avatar, badge } from "./people.js";
import { botName, go, me, nameOf, store } from "./state.js";

const TOGETHER_S = 300;
const HAPPENINGS = new Set([
  "channel_join",
  "channel_leave",
  "channel_topic",
  "channel_purpose",
  "channel_name",
  "group_join",
  "group_leave",
  "tombstone",
]);

const authorOf = (message) =>
  (message.bot_id ? message.user || store.snapshot.bot?.id : message.user) ?? "";
export const isReply = (message) => message.thread_ts && message.thread_ts !== message.ts;

function toolbar(channel, message, inThread) {
  const thread = message.thread_ts ?? message.ts;
  const buttons = [
    !inThread && !message.ephemeral_user
      ? iconButton("thread", "Reply in thread", () => go(channel, thread))
      : null,
    isMine(message)
      ? iconButton("edit", "Edit message", () => edit(channel, message, inThread))
      : null,
    isMine(message) ? iconButton("trash", "Delete message", () => remove(channel, message)) : null,
  ].filter(Boolean);
  return buttons.length
    ? el("div", { class: "toolbar", role: "group", "aria-label": "Message actions" }, buttons)
    : null;
}

function attachment(one, surface) {
  const node = el(
    "div",
    { class: "attachment" },
    one.blocks
      ? drawBlocks(one.blocks, surface)
      : el("div", { dir: "auto" }, mrkdwn(one.text ?? one.fallback ?? "")),
  );
  if (one.color)
    node.style.borderInlineStartColor = one.color.startsWith("#") ? one.color : `#${one.color}`;
  return node;
}

function content(channel, message, isEdited) {
  if (isEdited) return editor(channel, message);
  const surface = {
    container: `m:${channel}:${message.ts}`,
    address: { channel, messageTs: message.ts },
  };
  // A person's text is drawn from the text: the block made of it does not know mentions.
  const said =
    message.blocks?.length && message.bot_id
      ? drawBlocks(message.blocks, surface)
      : el("div", { class: "text", dir: "auto" }, mrkdwn(message.text ?? ""));
  return [said, (message.attachments ?? []).map((one) => attachment(one, surface))];
}

function reactions(message) {
  if (!message.reactions?.length) return null;
  return el(
    "ul",
    { class: "reactions", "aria-label": "Reactions" },
    message.reactions.map((one) =>
      el(
        "li",
        { title: (one.users ?? []).map(nameOf).join(", ") },
        emojiNode(one.name),
        el("span", {}, one.count ?? one.users?.length ?? 1),
      ),
    ),
  );
}

function repliesButton(channel, message, replies) {
  const count = message.reply_count ?? replies.length;
  if (!count) return null;
  const latest = replies.at(-1);
  return el(
    "button",
    { type: "button", class: "replies", onclick: () => go(channel, message.ts) },
    [...new Set(replies.map(authorOf))].slice(0, 4).map((id) => avatar(id, "small")),
    el("strong", {}, `${count} ${count === 1 ? "reply" : "replies"}`),
    latest ? el("span", { class: "quiet" }, `Last reply ${ago(dateOf(latest.ts))}`) : null,
  );
}

function header(message) {
  const author = authorOf(message);
  return el(
    "div",
    { class: "message-head" },
    el(
      "span",
      { class: "author", dir: "auto" },
      author
        ? nameOf(author) === author && message.bot_id
          ? botName()
          : nameOf(author)
        : "Slackbot",
    ),
    badge(author),
    el("time", { class: "quiet", title: fullTime(message.ts) }, clock(message.ts)),
  );
}

const onlyYou = () => el("p", { class: "only-you" }, icon("eye", 14), "Only visible to you");

function drawMessage(channel, message, { compact, isEdited, inThread, replies }) {
  const classes = [
    "message",
    compact && "compact",
    message.ephemeral_user && "ephemeral",
    isMine(message) && "mine",
  ];
  const gutter = compact
    ? el("time", { class: "gutter-time", title: fullTime(message.ts) }, bareClock(message.ts))
    : avatar(authorOf(message));
  return el(
    "article",
    {
      class: classes.filter(Boolean).join(" "),
      "data-ts": message.ts,
      "aria-label": `${nameOf(authorOf(message)) || "Slackbot"}, ${clock(message.ts)}`,
    },
    el("div", { class: "gutter" }, gutter),
    el(
      "div",
      { class: "message-body" },
      message.ephemeral_user ? onlyYou() : null,
      compact ? null : header(message),
      content(channel, message, isEdited),
      message.edited && !message.bot_id ? el("span", { class: "quiet edited" }, "(edited)") : null,
      reactions(message),
      inThread ? null : repliesButton(channel, message, replies),
    ),
    isEdited ? null : toolbar(channel, message, inThread),
  );
}

function drawHappening(message) {
  return el(
    "p",
    { class: "happening quiet", "data-ts": message.ts, dir: "auto" },
    mrkdwn(message.text ?? ""),
  );
}

function isCompact(message, previous) {
  return (
    Boolean(previous) &&
    !message.ephemeral_user &&
    !previous.ephemeral_user &&
    !HAPPENINGS.has(previous.subtype) &&
    authorOf(message) === authorOf(previous) &&
    message.ts - previous.ts < TOGETHER_S &&
    dayKey(message.ts) === dayKey(previous.ts)
  );
}

function dayItem(ts) {
  const words = dayName(ts);
  return {
    key: `day ${dayKey(ts)}`,
    signature: words,
    draw: () => el("div", { class: "day", role: "separator" }, el("span", {}, words)),
  };
}

function item(channel, message, previous, view) {
  const compact = isCompact(message, previous);
  const isEdited = isEditing(channel, message, view.inThread);
  return {
    key: message.ts,
    signature: JSON.stringify([
      message,
      compact,
      isEdited,
      view.replies.map((reply) => [reply.ts, reply.user]),
      me()?.id,
    ]),
    draw: () =>
      HAPPENINGS.has(message.subtype)
        ? drawHappening(message)
        : drawMessage(channel, message, { ...view, compact, isEdited }),
  };
}

/** Fill `list` with messages (oldest first), days between them. */
export function renderMessages(
  list,
  channel,
  messages,
  { inThread = false, repliesOf = () => [] } = {},
) {
  const items = [];
  messages.forEach((message, index) => {
    const previous = messages[index - 1];
    if (!inThread && (!previous || dayKey(previous.ts) !== dayKey(message.ts)))
      items.push(dayItem(message.ts));
    items.push(item(channel, message, previous, { inThread, replies: repliesOf(message) }));
  });
  reconcile(list, items);
}

const asMessage = (line) => ({
  ts: line.ts,
  text: line.text,
  user: "",
  ephemeral_user: line.user,
  thread_ts: line.thread ?? undefined,
});

/** Everything of a channel, this page's own lines among it, oldest first. */
export function allOf(channel) {
  const lines = (store.notices.get(channel) ?? [])
    .filter((line) => line.user === store.place.user)
    .map(asMessage);
  return [...(store.messages.get(channel) ?? []), ...lines].sort((one, other) => one.ts - other.ts);
}
