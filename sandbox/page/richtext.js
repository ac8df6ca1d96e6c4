// rich_text blocks: every element and style, as DOM nodes.

import { dateWords } from "./dates.js";
import { el } from "./dom.js";
import { broadcast, channelMention, emojiNode, link, mention } from "./mrkdwn.js";

const STYLES = {
  code: "code",
  bold: "strong",
  italic: "em",
  strike: "s",
  underline: "u",
  highlight: "mark",
};

function styled(node, style) {
  return Object.entries(STYLES).reduce(
    (inner, [name, tag]) => (style?.[name] ? el(tag, {}, inner) : inner),
    node,
  );
}

function text(value) {
  const lines = value.split("\n");
  return el(
    "span",
    {},
    lines.flatMap((line, index) => (index ? [el("br"), line] : [line])),
  );
}

function colour(value) {
  const swatch = el("span", { class: "swatch" });
  swatch.style.backgroundColor = value;
  return el("code", {}, swatch, value);
}

const INLINE = {
  text: (piece) => text(piece.text),
  link: (piece) => link(piece.url, piece.text || piece.url),
  emoji: (piece) => emojiNode(piece.name),
  user: (piece) => mention(piece.user_id),
  channel: (piece) => channelMention(piece.channel_id),
  usergroup: (piece) => el("span", { class: "mention" }, `@${piece.usergroup_id}`),
  team: (piece) => el("span", { class: "mention" }, piece.team_id),
  broadcast: (piece) => broadcast(piece.range),
  color: (piece) => colour(piece.value),
  date: (piece) => el("time", {}, dateWords(piece.timestamp, piece.format) ?? piece.fallback ?? ""),
};

function inline(pieces) {
  return pieces.map((piece) =>
    styled(INLINE[piece.type]?.(piece) ?? text(piece.text ?? ""), piece.style),
  );
}

function list(element) {
  const ordered = element.style === "ordered";
  const node = el(
    ordered ? "ol" : "ul",
    {
      class: `rich-list indent-${element.indent ?? 0}`,
      start: ordered && element.offset ? element.offset + 1 : null,
    },
    element.elements.map((item) => el("li", { dir: "auto" }, inline(item.elements))),
  );
  return element.border ? el("div", { class: "bordered" }, node) : node;
}

const PARTS = {
  rich_text_section: (part) =>
    el("div", { class: "rich-section", dir: "auto" }, inline(part.elements)),
  rich_text_preformatted: (part) => el("pre", { dir: "auto" }, inline(part.elements)),
  rich_text_quote: (part) => el("blockquote", { dir: "auto" }, inline(part.elements)),
  rich_text_list: list,
};

/** A rich_text block, or any one of its parts or inline elements. */
export function richText(block) {
  if (block.type !== "rich_text") return PARTS[block.type]?.(block) ?? inline([block])[0];
  return el(
    "div",
    { class: "rich-text" },
    block.elements.map((part) => PARTS[part.type]?.(part) ?? inline([part])),
  );
}
