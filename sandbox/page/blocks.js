// Block Kit: every block Slack has, as DOM nodes.

import { chart } from "./charts.js";
import { el, freshId, icon } from "./dom.js";
import { drawElement, imageUrl } from "./elements.js";
import { markdown } from "./markdown.js";
import { link, plain, textObject } from "./mrkdwn.js";
import { richText } from "./richtext.js";
import { dataTable, table } from "./tables.js";

const words = (text, props = {}) => el("div", { dir: "auto", ...props }, textObject(text));

function section(block, context) {
  const name = block.text ? plain(block.text) : "";
  const isButton = ["button", "overflow", "image", "workflow_button"].includes(
    block.accessory?.type,
  );
  const accessory =
    block.accessory && drawElement(context, block, block.accessory, { name: isButton ? "" : name });
  return el(
    "div",
    { class: "block-section" },
    el(
      "div",
      { class: "section-body" },
      block.text ? words(block.text, { class: "section-text" }) : null,
      block.fields
        ? el(
            "div",
            { class: "fields" },
            block.fields.map((field) => words(field)),
          )
        : null,
    ),
    accessory ? el("div", { class: "accessory" }, accessory) : null,
  );
}

function actions(block, context) {
  return el(
    "div",
    { class: "block-actions", role: "group", "aria-label": "Actions" },
    block.elements.map((element) => drawElement(context, block, element)),
  );
}

function context(block, place) {
  return el(
    "div",
    { class: "block-context" },
    block.elements.map((element) =>
      element.type === "image"
        ? drawElement(place, block, element)
        : el("span", { dir: "auto" }, textObject(element)),
    ),
  );
}

function missing(alt) {
  return el("span", { class: "image-missing" }, icon("file"), alt || "Image");
}

function picture(holder, alt, props = {}) {
  return el("img", {
    src: imageUrl(holder),
    alt,
    loading: "lazy",
    ...props,
    onerror: (event) => event.currentTarget.replaceWith(missing(alt)),
  });
}

function image(block) {
  return el(
    "figure",
    { class: "block-image" },
    block.title ? el("figcaption", { dir: "auto" }, textObject(block.title)) : null,
    picture(block, block.alt_text),
  );
}

function input(block, place) {
  const hint = freshId("hint");
  const error = freshId("error");
  const name = plain(block.label);
  const optional = block.optional ? el("span", { class: "optional" }, " (optional)") : null;
  const field = drawElement(place, block, block.element, {
    name,
    dispatches: Boolean(block.dispatch_action),
    describedBy: `${error} ${hint}`,
    required: !block.optional,
  });
  return el(
    "div",
    { class: "block-input" },
    el("div", { class: "input-label", dir: "auto" }, textObject(block.label), optional),
    field,
    el("p", { class: "input-error", id: error, role: "alert", hidden: true }),
    block.hint
      ? el("p", { class: "input-hint", id: hint, dir: "auto" }, textObject(block.hint))
      : null,
  );
}

function video(block) {
  const title = block.title_url ? link(block.title_url, plain(block.title)) : plain(block.title);
  const by = [block.author_name, block.provider_name].filter(Boolean).join(" · ");
  return el(
    "div",
    { class: "block-video" },
    el("strong", { dir: "auto" }, title),
    by ? el("div", { class: "quiet" }, by) : null,
    block.description ? words(block.description) : null,
    el(
      "a",
      {
        class: "video-still",
        href: block.video_url,
        target: "_blank",
        rel: "noopener noreferrer",
        "aria-label": `Play: ${plain(block.title)}`,
      },
      picture({ image_url: block.thumbnail_url }, block.alt_text),
      el("span", { class: "play" }, icon("play", 28)),
    ),
  );
}

function children(blocks, place) {
  return (blocks ?? []).map((child) => drawBlock(child, place));
}

function container(block, place) {
  const heading = [
    el(
      "span",
      { class: "container-heads" },
      words(block.title, { class: "container-title" }),
      block.subtitle ? words(block.subtitle, { class: "quiet" }) : null,
    ),
  ];
  const body = el("div", { class: "container-body" }, children(block.child_blocks, place));
  const divided = block.has_header_divider ? " divided" : "";
  if (!block.is_collapsible)
    return el(
      "section",
      { class: `block-container${divided}` },
      el("div", { class: "container-head" }, heading),
      body,
    );
  return el(
    "details",
    { class: `block-container${divided}`, open: !block.default_collapsed },
    el("summary", { class: "container-head" }, icon("right", 16), heading),
    body,
  );
}

function card(block, place) {
  const text = (key) => (block[key] ? words(block[key], { class: `card-${key}` }) : null);
  const shown = block.icon
    ? picture(block.icon, block.icon.alt_text ?? "", { class: "card-icon" })
    : block.slack_icon
      ? el("span", { class: "card-icon" }, icon("info"))
      : null;
  return el(
    "article",
    { class: "block-card" },
    block.hero_image
      ? picture(block.hero_image, block.hero_image.alt_text, { class: "card-hero" })
      : null,
    el("div", { class: "card-head" }, shown, el("div", {}, text("title"), text("subtitle"))),
    text("body"),
    block.actions?.length
      ? el(
          "div",
          { class: "block-actions" },
          block.actions.map((one) => drawElement(place, block, one)),
        )
      : null,
    text("subtext"),
  );
}

function carousel(block, place) {
  return el(
    "div",
    { class: "block-carousel", tabindex: "0", role: "region", "aria-label": "Cards" },
    block.elements.map((one) => card(one, place)),
  );
}

const ALERTS = {
  default: ["info", "Note"],
  info: ["info", "Information"],
  warning: ["warning", "Warning"],
  error: ["warning", "Error"],
  success: ["check", "Success"],
};

function alert(block) {
  const level = block.level in ALERTS ? block.level : "default";
  const [shape, name] = ALERTS[level];
  return el(
    "div",
    { class: `block-alert ${level}` },
    icon(shape),
    el("span", { class: "unseen" }, `${name}: `),
    words(block.text),
  );
}

const TASK_MARKS = { pending: "ring", in_progress: "ring", complete: "check", error: "warning" };

function task(item) {
  const status = item.status ?? "pending";
  const sources = (item.sources ?? []).map((source) => link(source.url, source.text || source.url));
  return el(
    "div",
    { class: `task ${status}` },
    el(
      "span",
      { class: "task-mark", role: "img", "aria-label": status.replace("_", " ") },
      icon(TASK_MARKS[status] ?? "ring", 16),
    ),
    el(
      "div",
      { class: "task-body" },
      el("div", { dir: "auto" }, textObject(item.title)),
      item.details ? richText(item.details) : null,
      item.output ? richText(item.output) : null,
      sources.length ? el("div", { class: "task-sources" }, sources) : null,
    ),
  );
}

function plan(block) {
  return el(
    "section",
    { class: "block-plan" },
    el("div", { class: "plan-title", dir: "auto" }, textObject(block.title)),
    (block.tasks ?? []).map(task),
  );
}

function file(block) {
  return el(
    "div",
    { class: "block-file" },
    icon("file", 24),
    el("span", { dir: "auto" }, block.external_id ?? block.file_id ?? "File"),
  );
}

const BLOCKS = {
  section,
  actions,
  context,
  image,
  input,
  video,
  container,
  card,
  carousel,
  alert,
  plan,
  file,
  table,
  context_actions: actions,
  data_table: dataTable,
  data_visualization: chart,
  divider: () => el("hr"),
  header: (block) => el("h3", { class: "block-header", dir: "auto" }, textObject(block.text)),
  markdown: (block) => el("div", { class: "block-markdown" }, markdown(block.text)),
  rich_text: richText,
  task_card: (block) => el("div", { class: "block-plan" }, task(block)),
};

/** One block; a kind nobody knows is named rather than dropped. */
function drawBlock(block, place) {
  const draw = BLOCKS[block.type];
  const node = draw
    ? draw(block, place)
    : el("p", { class: "unknown" }, `This block cannot be shown: ${block.type}`);
  if (block.block_id) node.dataset.blockId = block.block_id;
  node.classList.add("block");
  return node;
}

/**
 * The blocks of a message or view, and where their clicks go.
 * surface: {container, address, state?, edited?}: the key under which entries are kept, the fields
 * that name the place in requests, the view's state.values, and whom to tell of an entry.
 */
export function drawBlocks(blocks, surface) {
  const root = el("div", { class: "blocks" });
  const warning = el("p", { class: "failed", role: "alert", hidden: true });
  const place = {
    container: surface.container,
    address: surface.address,
    state: surface.state,
    blocks: () => blocks,
    edited: surface.edited ?? (() => {}),
    fail: (problem) => {
      warning.hidden = !problem;
      warning.replaceChildren(icon("warning", 16), problem ?? "");
    },
  };
  root.append(...children(blocks, place), warning);
  return root;
}
