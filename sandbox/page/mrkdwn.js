// Slack's mrkdwn to DOM nodes. Nothing here ever parses data as HTML.

import { dateToken } from "./dates.js";
import { el } from "./dom.js";
import { EMOJI_CODE, emoji } from "./emoji.js";
import { conversationOf, nameOf, store, userOf } from "./state.js";

const ENTITIES = { "&lt;": "<", "&gt;": ">", "&amp;": "&" };
const BROADCASTS = { here: "@here", channel: "@channel", everyone: "@everyone" };
const SAFE_LINK = /^(https?|mailto|tel):/i;

export const unescape = (text) => text.replace(/&(lt|gt|amp);/g, (entity) => ENTITIES[entity]);

/** A link that cannot run anything; an address of any other kind is shown as words. */
export function link(url, ...children) {
  if (!SAFE_LINK.test(url) && !url.startsWith("/")) return el("span", {}, ...children);
  return el("a", { href: url, target: "_blank", rel: "noopener noreferrer" }, ...children);
}

export function mention(id, label) {
  const isMe = id === store.snapshot?.me;
  const name = userOf(id) ? nameOf(id) : label || id;
  return el("span", { class: `mention${isMe ? " mention-me" : ""}`, dir: "auto" }, `@${name}`);
}

export function channelMention(id, label) {
  const name = conversationOf(id)?.name || label || id;
  return conversationOf(id)
    ? el("a", { class: "mention", href: `#${store.place.user}/${id}` }, `#${name}`)
    : el("span", { class: "mention" }, `#${name}`);
}

export const broadcast = (range) =>
  el("span", { class: "mention mention-me" }, BROADCASTS[range] ?? `@${range}`);

export function emojiNode(name) {
  const character = emoji(name);
  if (!character) return document.createTextNode(`:${name}:`);
  return el(
    "span",
    { class: "emoji", role: "img", "aria-label": name.replaceAll("_", " "), title: `:${name}:` },
    character,
  );
}

/** Text with `:codes:` drawn as emoji. */
export function withEmoji(text) {
  const nodes = [];
  let end = 0;
  for (const match of text.matchAll(EMOJI_CODE)) {
    if (!emoji(match[1])) continue;
    nodes.push(text.slice(end, match.index), emojiNode(match[1]));
    end = match.index + match[0].length;
  }
  return [...nodes, text.slice(end)].filter((node) => node !== "");
}

function bang(body) {
  const [name, label] = body.split("|");
  if (name.startsWith("date^")) return dateToken(body, link);
  if (name.startsWith("subteam^"))
    return el("span", { class: "mention" }, label || `@${name.slice(8)}`);
  return broadcast(name);
}

function token(body) {
  const bar = body.indexOf("|");
  const [target, label] =
    bar < 0 ? [body, ""] : [body.slice(0, bar), unescape(body.slice(bar + 1))];
  if (target.startsWith("@")) return mention(target.slice(1), label);
  if (target.startsWith("#")) return channelMention(target.slice(1), label);
  if (target.startsWith("!")) return bang(unescape(body.slice(1)));
  const url = unescape(target);
  return link(url, ...(label ? withEmoji(label) : [url.replace(/^mailto:/, "")]));
}

// One alternative a construct. A style opens after nothing, a space or punctuation, hugs its text
// and closes before anything but a word character; so 2*3*4 and snake_case stay as typed.
const OPEN = String.raw`(?<![\p{L}\p{N}])`;
const CLOSE = String.raw`(?![\p{L}\p{N}])`;
const styled = (mark, name) =>
  `${OPEN}[${mark}](?<${name}>[^\\s${mark}](?:[^${mark}\\n]*[^\\s${mark}])?)[${mark}]${CLOSE}`;

const INLINE = new RegExp(
  [
    "<(?<token>[^<>\\n]+)>",
    "`(?<code>[^`\\n]+)`",
    styled("*", "bold"),
    styled("_", "italic"),
    styled("~", "strike"),
    ":(?<emoji>[a-z0-9_+'-]+(?:::skin-tone-[2-6])?):",
    "(?<url>https?://[^\\s<>|]*[^\\s<>|.,;:!?\"')\\]])",
  ].join("|"),
  "gu",
);

const DRAW = {
  token,
  code: (text) => el("code", {}, unescape(text.replace(/<([^<>|]+\|)?([^<>]+)>/g, "$2"))),
  bold: (text, verbatim) => el("strong", {}, inline(text, verbatim)),
  italic: (text, verbatim) => el("em", {}, inline(text, verbatim)),
  strike: (text, verbatim) => el("s", {}, inline(text, verbatim)),
  emoji: emojiNode,
  url: (text, verbatim) => (verbatim ? unescape(text) : link(unescape(text), unescape(text))),
};

function inline(text, verbatim) {
  const nodes = [];
  let end = 0;
  for (const match of text.matchAll(INLINE)) {
    nodes.push(unescape(text.slice(end, match.index)));
    const [name, body] = Object.entries(match.groups).find(([, value]) => value !== undefined);
    nodes.push(DRAW[name](body, verbatim));
    end = match.index + match[0].length;
  }
  nodes.push(unescape(text.slice(end)));
  return nodes.filter((node) => node !== "");
}

function lines(text, verbatim) {
  return text
    .split("\n")
    .flatMap((line, index) => [index ? el("br") : null, ...inline(line, verbatim)]);
}

const QUOTE = /^(?:&gt;|>) ?/;

function paragraphs(text, verbatim) {
  const groups = [];
  for (const line of text.split("\n")) {
    const quoted = QUOTE.test(line);
    const last = groups.at(-1);
    const words = quoted ? line.replace(QUOTE, "") : line;
    if (last && last.quoted === quoted) last.lines.push(words);
    else groups.push({ quoted, lines: [words] });
  }
  return groups.map((group) =>
    el(
      group.quoted ? "blockquote" : "span",
      { dir: "auto" },
      lines(group.lines.join("\n"), verbatim),
    ),
  );
}

/** Nodes for a mrkdwn string. With `verbatim`, bare addresses are not made links. */
export function mrkdwn(text, { verbatim = false } = {}) {
  return text.split(/```\n?([\s\S]+?)\n?```\n?/).flatMap((part, index) => {
    if (index % 2)
      return [el("pre", { dir: "auto" }, unescape(part.replace(/<([^<>|]+\|)?([^<>]+)>/g, "$2")))];
    return part ? paragraphs(part, verbatim) : [];
  });
}

/** Nodes for a Slack text object: mrkdwn is parsed, plain_text is shown as it stands. */
export function textObject(text) {
  if (!text) return [];
  if (typeof text === "string") return [text];
  if (text.type === "mrkdwn") return mrkdwn(text.text, text);
  return text.text
    .split("\n")
    .flatMap((line, index) => [
      ...(index ? ["\n", el("br")] : []),
      ...(text.emoji === true ? withEmoji(line) : [line]),
    ]);
}

/** The bare words of a text object, for accessible names. */
export function plain(text) {
  return el("span", {}, ...textObject(text)).textContent;
}
