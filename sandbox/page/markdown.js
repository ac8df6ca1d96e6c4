// The `markdown` block: real Markdown (not mrkdwn), as DOM nodes.

import { el } from "./dom.js";
import { EMOJI_CODE } from "./emoji.js";
import { emojiNode, link } from "./mrkdwn.js";

const INLINE = new RegExp(
  [
    "\\\\(?<literal>[\\\\`*_{}\\[\\]()#+.!~|>-])",
    "`(?<code>[^`]+)`",
    "\\*\\*(?<bold>\\S(?:.*?\\S)?)\\*\\*",
    "__(?<strong>\\S(?:.*?\\S)?)__",
    "~~(?<strike>\\S(?:.*?\\S)?)~~",
    "\\*(?<italic>[^\\s*](?:[^*]*[^\\s*])?)\\*",
    "(?<![\\p{L}\\p{N}])_(?<emphasis>[^\\s_](?:[^_]*[^\\s_])?)_(?![\\p{L}\\p{N}])",
    "!?\\[(?<label>[^\\]]*)\\]\\((?<url>[^\\s)]+)[^)]*\\)",
    "(?<bare>https?://[^\\s<>]*[^\\s<>.,;:!?)])",
    `(?<emoji>${EMOJI_CODE.source.replace("(", "(?:")})`,
  ].join("|"),
  "gu",
);

const DRAW = {
  literal: (body) => body,
  code: (body) => el("code", {}, body),
  bold: (body) => el("strong", {}, inline(body)),
  strong: (body) => el("strong", {}, inline(body)),
  strike: (body) => el("s", {}, inline(body)),
  italic: (body) => el("em", {}, inline(body)),
  emphasis: (body) => el("em", {}, inline(body)),
  label: (body, groups) => link(groups.url, body || groups.url),
  bare: (body) => link(body, body),
  emoji: (body) => emojiNode(body.slice(1, -1)),
};

function inline(text) {
  const nodes = [];
  let end = 0;
  for (const match of text.matchAll(INLINE)) {
    const [name, body] = Object.entries(match.groups).find(([, value]) => value !== undefined);
    nodes.push(text.slice(end, match.index), DRAW[name](body, match.groups));
    end = match.index + match[0].length;
  }
  return [...nodes, text.slice(end)].filter((node) => node !== "");
}

const cells = (line) =>
  line
    .trim()
    .replace(/^\||\|$/g, "")
    .split("|")
    .map((cell) => cell.trim());

function table(lines) {
  const [head, , ...body] = lines;
  const row = (tag) => (line) =>
    el(
      "tr",
      {},
      cells(line).map((cell) => el(tag, { dir: "auto" }, inline(cell))),
    );
  return el(
    "div",
    { class: "table-scroll" },
    el(
      "table",
      { class: "grid" },
      el("thead", {}, row("th")(head)),
      el("tbody", {}, body.map(row("td"))),
    ),
  );
}

function item(line) {
  const task = /^\[([ xX])\] /.exec(line);
  const words = task ? line.slice(4) : line;
  const box =
    task &&
    el("input", {
      type: "checkbox",
      disabled: true,
      checked: task[1] !== " ",
      "aria-label": words,
    });
  return el("li", { dir: "auto" }, box, inline(words));
}

const ITEM = /^\s*(?:[-*+]|\d+[.)])\s+/;

// What starts a group of lines, which lines belong to it, and how it is drawn.
const KINDS = [
  {
    first: /^#{1,6} /,
    draw: ([line]) => {
      const level = line.indexOf(" ");
      return el(
        "p",
        {
          class: `markdown-heading level-${level}`,
          role: "heading",
          "aria-level": String(level + 1),
          dir: "auto",
        },
        inline(line.slice(level + 1)),
      );
    },
  },
  { first: /^(\*\*\*+|---+|___+)\s*$/, draw: () => el("hr") },
  {
    first: /^> ?/,
    more: /^> ?/,
    draw: (lines) =>
      el("blockquote", { dir: "auto" }, blocks(lines.map((line) => line.replace(/^> ?/, "")))),
  },
  {
    first: ITEM,
    more: ITEM,
    draw: (lines) =>
      el(
        /^\s*\d/.test(lines[0]) ? "ol" : "ul",
        {},
        lines.map((line) => item(line.replace(ITEM, ""))),
      ),
  },
  {
    first: /^\s*\|.*\|\s*$/,
    more: /^\s*\|.*\|\s*$/,
    draw: (lines) => (lines.length > 1 ? table(lines) : el("p", {}, inline(lines[0]))),
  },
];

const startsBlock = (line) => KINDS.some((kind) => kind.first.test(line)) || line.startsWith("```");

function fenced(lines) {
  const end = lines.findIndex((line, index) => index && line.startsWith("```"));
  const length = end < 0 ? lines.length : end + 1;
  return {
    length,
    node: el("pre", { dir: "auto" }, lines.slice(1, end < 0 ? undefined : end).join("\n")),
  };
}

function take(lines) {
  if (lines[0].startsWith("```")) return fenced(lines);
  const kind = KINDS.find((one) => one.first.test(lines[0]));
  let length = 1;
  if (kind) while (kind.more && length < lines.length && kind.more.test(lines[length])) length += 1;
  else
    while (length < lines.length && lines[length].trim() && !startsBlock(lines[length]))
      length += 1;
  const own = lines.slice(0, length);
  const paragraph = () =>
    el(
      "p",
      { dir: "auto" },
      own.flatMap((line, index) => [index ? el("br") : null, ...inline(line)]),
    );
  return { length, node: kind ? kind.draw(own) : paragraph() };
}

function blocks(lines) {
  const nodes = [];
  let rest = lines;
  while (rest.length) {
    if (!rest[0].trim()) {
      rest = rest.slice(1);
      continue;
    }
    const { length, node } = take(rest);
    nodes.push(node);
    rest = rest.slice(length);
  }
  return nodes;
}

/** Nodes for a Markdown text. */
export function markdown(text) {
  return blocks(text.split("\n"));
}
