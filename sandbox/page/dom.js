// Building DOM without markup: data only ever becomes text nodes and attribute values.

const SVG = "http://www.w3.org/2000/svg";

const ICONS = {
  hash: "M9 4 7 20M17 4l-2 16M4.5 9h16M3.5 15h16",
  lock: "M6 11h12v9H6zM8.5 11V8a3.5 3.5 0 0 1 7 0v3",
  home: "M4 11.5 12 4l8 7.5M6 10v10h4.5v-5.5h3V20H18V10",
  mail: "M3.5 6h17v12.5h-17zM4 6.5l8 6.5 8-6.5",
  thread: "M5 5h14v11h-7l-4.5 4v-4H5zM8.5 9h7M8.5 12h4.5",
  edit: "M4.5 19.5 5.5 15 16 4.5l3.5 3.5L9 18.5zM13.5 7l3.5 3.5",
  trash: "M5 7h14M10 7V4.5h4V7M7 7l1 13h8l1-13M10.5 10.5v6M13.5 10.5v6",
  close: "M6 6l12 12M18 6 6 18",
  back: "M14.5 5 8 12l6.5 7",
  down: "M6 9.5l6 6 6-6",
  right: "M9.5 6l6 6-6 6",
  menu: "M4 7h16M4 12h16M4 17h16",
  warning: "M12 4 2.8 20h18.4zM12 10v5M12 17.2v.6",
  eye: "M2.5 12C5 7.5 8.3 5.5 12 5.5s7 2 9.5 6.5c-2.5 4.5-5.8 6.5-9.5 6.5S5 16.5 2.5 12zM12 9.2a2.8 2.8 0 1 1 0 5.6 2.8 2.8 0 0 1 0-5.6z",
  check: "M4.5 12.5 10 18 19.5 6.5",
  send: "M4 4.5 21 12 4 19.5l2.5-7.5zM6.5 12H13",
  more: "M5.5 12h.01M12 12h.01M18.5 12h.01",
  info: "M12 3.5a8.5 8.5 0 1 1 0 17 8.5 8.5 0 0 1 0-17zM12 11v5.5M12 7.5v.5",
  file: "M6 3.5h8l4.5 4.5v12.5H6zM14 3.5V8h4.5",
  person: "M12 4a4 4 0 1 1 0 8 4 4 0 0 1 0-8zM4.5 20.5c.5-4 3.5-6 7.5-6s7 2 7.5 6",
  bulb: "M9 17.5h6M10 20.5h4M8.5 14.5C7 13.3 6 11.6 6 9.7a6 6 0 1 1 12 0c0 1.9-1 3.6-2.5 4.8v3h-7z",
  play: "M8 5l11 7-11 7z",
  up: "M7 21V11l4-7.5c1.7 0 2.5 1 2.3 2.5L12.8 10H19c1 0 1.6.9 1.4 1.8l-1.7 7.5c-.2 1-1 1.7-2 1.7zM3.5 11v10",
  thumb_down:
    "M7 3v10l4 7.5c1.7 0 2.5-1 2.3-2.5L12.8 14H19c1 0 1.6-.9 1.4-1.8l-1.7-7.5C18.5 3.7 17.7 3 16.7 3zM3.5 13V3",
  calendar: "M4 6h16v14H4zM4 10.5h16M8.5 3.5V8M15.5 3.5V8",
  plus: "M12 5v14M5 12h14",
  ring: "M12 3.5a8.5 8.5 0 1 1 0 17 8.5 8.5 0 0 1 0-17z",
};

function put(node, name, value) {
  if (value === null || value === undefined || value === false) return;
  if (name.startsWith("on")) node.addEventListener(name.slice(2), value);
  else if (name === "dataset") Object.assign(node.dataset, value);
  else node.setAttribute(name, value === true ? "" : value);
}

function grow(node, props, children) {
  for (const [name, value] of Object.entries(props ?? {})) put(node, name, value);
  node.append(
    ...children
      .flat(Infinity)
      .filter((child) => child !== null && child !== undefined && child !== false),
  );
  return node;
}

/** An HTML element; `on*` props are listeners, children that are strings become text. */
export function el(tag, props, ...children) {
  return grow(document.createElement(tag), props, children);
}

/** The same for SVG. */
export function svg(tag, props, ...children) {
  return grow(document.createElementNS(SVG, tag), props, children);
}

/** A decorative line icon, hidden from assistive technology. */
export function icon(name, size = 18) {
  return svg(
    "svg",
    {
      class: "icon",
      viewBox: "0 0 24 24",
      width: size,
      height: size,
      "aria-hidden": "true",
      focusable: "false",
    },
    svg("path", { d: ICONS[name] ?? ICONS.info }),
  );
}

/** A button drawn as an icon; the label is its accessible name and its tooltip. */
export function iconButton(name, label, onclick, props = {}) {
  const { class: extra = "", ...rest } = props;
  return el(
    "button",
    {
      type: "button",
      class: `icon-button ${extra}`,
      "aria-label": label,
      title: label,
      onclick,
      ...rest,
    },
    icon(name),
  );
}

let serial = 0;

/** An id no other element of the page has. */
export function freshId(prefix) {
  serial += 1;
  return `${prefix}-${serial}`;
}

function focusKey(node) {
  return node?.closest?.("[data-focus]")?.dataset.focus ?? null;
}

/**
 * Bring `parent` to hold exactly `items`, in order, redrawing only those whose signature changed.
 * `items`: [{key, signature, draw}]. Nodes that stay keep their state; focus returns to the
 * element with the same `data-focus` when its item was redrawn.
 */
export function reconcile(parent, items) {
  const focused = parent.contains(document.activeElement) ? focusKey(document.activeElement) : null;
  const old = new Map([...parent.children].map((node) => [node.reconcileKey, node]));
  const kept = items.map((item) => {
    const node = old.get(item.key);
    if (node && node.reconcileSignature === item.signature) return node;
    const fresh = item.draw();
    fresh.reconcileKey = item.key;
    fresh.reconcileSignature = item.signature;
    return fresh;
  });
  const keep = new Set(kept);
  for (const node of [...parent.children]) if (!keep.has(node)) node.remove();
  kept.forEach((node, index) => {
    if (parent.children[index] !== node) parent.insertBefore(node, parent.children[index] ?? null);
  });
  if (focused && !parent.contains(document.activeElement)) {
    parent.querySelector(`[data-focus="${CSS.escape(focused)}"]`)?.focus({ preventScroll: true });
  }
}
