// Faces: avatars, names with their badges, and the switch from one person to another.

import { el, icon } from "./dom.js";
import { closePopup, isOpen, openPopup } from "./popup.js";
import { become, me, nameOf, people, store, userOf } from "./state.js";

const HUES = [
  "#1264a3",
  "#2b8a57",
  "#b3431e",
  "#7a3e9d",
  "#0b7a75",
  "#a3266b",
  "#5a6b1f",
  "#8a5a2b",
  "#3a4fb3",
  "#96423f",
];

function hueOf(id) {
  const sum = [...id].reduce((total, letter) => (total * 31 + letter.codePointAt(0)) % 9973, 7);
  return HUES[sum % HUES.length];
}

function initials(name) {
  const words = name
    .trim()
    .split(/\s+/)
    .filter((word) => /\p{L}/u.test(word));
  const letters = [words[0], words.length > 1 ? words.at(-1) : null].map(
    (word) => word?.match(/\p{L}/u)?.[0] ?? "",
  );
  return letters.join("").toLocaleUpperCase() || "?";
}

const isApp = (id) => id === store.snapshot?.bot?.id || Boolean(userOf(id)?.is_bot);

/** A square with initials; the app's own mark for the app. Decorative: the name stands beside it. */
export function avatar(id, size = "medium") {
  if (isApp(id))
    return el(
      "span",
      { class: `avatar app ${size}`, "aria-hidden": "true" },
      icon("check", size === "small" ? 14 : 24),
    );
  if (!id)
    return el("span", { class: `avatar slackbot ${size}`, "aria-hidden": "true" }, icon("info"));
  const node = el("span", { class: `avatar ${size}`, "aria-hidden": "true" }, initials(nameOf(id)));
  node.style.backgroundColor = hueOf(id);
  return node;
}

/** What to know about somebody beside their name. */
export function badge(id) {
  const user = userOf(id);
  const words = isApp(id)
    ? "App"
    : user?.deleted
      ? "Deactivated"
      : user?.is_restricted
        ? "Guest"
        : "";
  return words ? el("span", { class: "badge" }, words) : null;
}

function option(user) {
  const chosen = user.id === store.place.user;
  return el(
    "button",
    {
      type: "button",
      role: "option",
      "aria-selected": String(chosen),
      class: "person",
      "data-user": user.id,
      onclick: () => {
        closePopup();
        become(user.id);
      },
    },
    avatar(user.id),
    el(
      "span",
      { class: "person-words" },
      el("span", { class: "person-name", dir: "auto" }, nameOf(user.id), badge(user.id)),
      el("span", { class: "quiet", dir: "auto" }, user.title || user.email || ""),
    ),
    chosen ? icon("check") : null,
  );
}

function move(event) {
  const options = [...event.currentTarget.children];
  const at = options.indexOf(document.activeElement);
  const next = { ArrowDown: at + 1, ArrowUp: at - 1, Home: 0, End: options.length - 1 }[event.key];
  if (next === undefined) return;
  event.preventDefault();
  options[(next + options.length) % options.length].focus();
}

function openSwitcher(event) {
  const anchor = event.currentTarget;
  if (isOpen(anchor)) return closePopup();
  const list = el(
    "div",
    { role: "listbox", "aria-label": "Be another person", class: "people", onkeydown: move },
    people().map(option),
  );
  openPopup(anchor, [el("p", { class: "popup-title" }, "See Slack as…"), list]);
  return (list.querySelector("[aria-selected=true]") ?? list.firstChild)?.focus();
}

/** "You are: ..." with the list of everybody one can be. */
export function switcher() {
  const user = me();
  return el(
    "button",
    {
      type: "button",
      class: "switcher",
      "data-testid": "person-switcher",
      "data-focus": "switcher",
      "aria-haspopup": "listbox",
      "aria-expanded": "false",
      onclick: openSwitcher,
    },
    el("span", { class: "you-are" }, "You are:"),
    avatar(user.id, "small"),
    el(
      "span",
      { class: "switcher-words" },
      el("span", { class: "switcher-name", dir: "auto" }, nameOf(user.id)),
      user.title ? el("span", { class: "switcher-title", dir: "auto" }, user.title) : null,
    ),
    icon("down", 14),
  );
}
