// Things that float: menus and lists beside their button, confirm dialogs over everything.

import { el, freshId } from "./dom.js";
import { plain, textObject } from "./mrkdwn.js";

const GAP = 4;
let open = null;

function position(popup, anchor) {
  if (!anchor.isConnected) return;
  const at = anchor.getBoundingClientRect();
  const { offsetWidth: width, offsetHeight: height } = popup;
  const below = innerHeight - at.bottom - GAP;
  const top = below >= height || below >= at.top ? at.bottom + GAP : at.top - height - GAP;
  popup.style.top = `${Math.max(8, Math.min(top, innerHeight - height - 8))}px`;
  popup.style.left = `${Math.max(8, Math.min(at.left, innerWidth - width - 8))}px`;
}

/** Show `content` beside `anchor` until a click elsewhere, Escape, or `close()`. */
export function openPopup(
  anchor,
  content,
  { onclose = () => {}, label = "", matchWidth = false } = {},
) {
  open?.close();
  const popup = el("div", { class: "popup", "aria-label": label || null }, content);
  if (matchWidth) popup.style.minWidth = `${anchor.offsetWidth}px`;
  (anchor.closest("dialog") ?? document.body).append(popup);
  const place = () => position(popup, anchor);
  const outside = (event) => {
    if (!popup.contains(event.target) && !anchor.contains(event.target)) handle.close(false);
  };
  const handle = {
    popup,
    anchor,
    place,
    close(refocus = true) {
      if (open !== handle) return;
      open = null;
      popup.remove();
      removeEventListener("resize", place);
      document.removeEventListener("pointerdown", outside, true);
      anchor.setAttribute("aria-expanded", "false");
      if (refocus && anchor.isConnected) anchor.focus({ preventScroll: true });
      onclose();
    },
  };
  popup.addEventListener("keydown", (event) => {
    if (event.key !== "Escape" && event.key !== "Tab") return;
    event.stopPropagation();
    if (event.key === "Escape") event.preventDefault();
    handle.close();
  });
  addEventListener("resize", place);
  document.addEventListener("pointerdown", outside, true);
  anchor.setAttribute("aria-expanded", "true");
  open = handle;
  place();
  return handle;
}

export const isOpen = (anchor) => open?.anchor === anchor;
export const closePopup = () => open?.close();

function roam(event, items) {
  const index = items.indexOf(document.activeElement);
  const next = { ArrowDown: index + 1, ArrowUp: index - 1, Home: 0, End: items.length - 1 }[
    event.key
  ];
  if (next === undefined) return;
  event.preventDefault();
  items[(next + items.length) % items.length].focus();
}

/** A menu of `items` ({label, nodes?, url?, danger?, pick}) below a button. */
export function openMenu(anchor, label, items) {
  const buttons = items.map((item) =>
    el(
      "button",
      {
        type: "button",
        role: "menuitem",
        tabindex: "-1",
        class: `menu-item${item.danger ? " danger" : ""}`,
        onclick: () => {
          handle.close();
          if (item.url) window.open(item.url, "_blank", "noopener");
          item.pick();
        },
      },
      item.nodes ?? item.label,
    ),
  );
  const menu = el(
    "div",
    { role: "menu", "aria-label": label, onkeydown: (event) => roam(event, buttons) },
    buttons,
  );
  const handle = openPopup(anchor, menu);
  buttons[0]?.focus();
}

/** A modal <dialog> that is its own role=dialog; removed from the page when it closes. */
export function modalDialog(props, ...children) {
  const dialog = el("dialog", { role: "dialog", "aria-modal": "true", ...props }, ...children);
  document.body.append(dialog);
  dialog.addEventListener("close", () => dialog.remove());
  dialog.showModal();
  return dialog;
}

/** Ask as a Slack confirm object says; resolves to whether the person agreed. */
export function confirm(object, origin = null) {
  const title = freshId("confirm");
  return new Promise((resolve) => {
    const settle = (answer) => {
      dialog.close();
      origin?.isConnected && origin.focus({ preventScroll: true });
      resolve(answer);
    };
    const style = object.style === "danger" ? "danger" : "primary";
    const yes = el(
      "button",
      { type: "button", class: `button ${style}`, onclick: () => settle(true) },
      plain(object.confirm ?? "Yes"),
    );
    const no = el(
      "button",
      { type: "button", class: "button", onclick: () => settle(false) },
      plain(object.deny ?? "Cancel"),
    );
    const dialog = modalDialog(
      { class: "confirm", "aria-labelledby": title },
      el("h2", { id: title, dir: "auto" }, textObject(object.title)),
      el("div", { class: "confirm-text", dir: "auto" }, textObject(object.text)),
      el("div", { class: "dialog-buttons" }, no, yes),
    );
    dialog.addEventListener("cancel", (event) => {
      event.preventDefault();
      settle(false);
    });
    yes.focus();
  });
}
