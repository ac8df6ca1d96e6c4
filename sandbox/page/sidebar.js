// The left column: channels, direct messages, the app, mail.

import { el, icon, reconcile } from "./dom.js";
import { avatar, badge } from "./people.js";
import { conversationName } from "./sources.js";
import { HOME, MAIL, appConversation, go, store } from "./state.js";

function row({ key, at, mark, words, unread = 0, data = {}, note = null }) {
  const current = store.place.at === at;
  const label = unread ? `${words}, ${unread} unread` : null;
  return {
    key,
    signature: [
      words,
      unread,
      current,
      note?.textContent,
      mark.className?.baseVal ?? mark.textContent,
    ].join("\n"),
    draw: () =>
      el(
        "button",
        {
          type: "button",
          class: `row${unread ? " unread" : ""}`,
          "aria-current": current ? "page" : null,
          "aria-label": label,
          "data-focus": key,
          onclick: () => {
            document.body.classList.remove("show-sidebar");
            go(at);
          },
          ...data,
        },
        el("span", { class: "row-mark" }, mark),
        el("span", { class: "row-words", dir: "auto" }, words),
        note,
        unread
          ? el("span", { class: "count", "aria-hidden": "true" }, unread > 99 ? "99+" : unread)
          : null,
      ),
  };
}

function conversationRow(one) {
  const mark = one.is_im ? avatar(one.user, "small") : icon(one.is_private ? "lock" : "hash", 16);
  return row({
    key: one.id,
    at: one.id,
    mark,
    words: conversationName(one),
    unread: one.unread,
    data: { "data-channel": one.id },
    note: one.is_im ? badge(one.user) : null,
  });
}

/** What the app serves itself, in a window of its own. */
const linkRow = (address, words) => ({
  key: address,
  signature: words,
  draw: () =>
    el(
      "a",
      { class: "row", href: address, target: "_blank", rel: "noopener", "data-testid": "web" },
      el("span", { class: "row-mark" }, icon("link", 16)),
      el("span", { class: "row-words" }, words),
    ),
});

const heading = (words) => ({
  key: `heading ${words}`,
  signature: words,
  draw: () => el("h2", { class: "rows-heading" }, words),
});

const byName = (one, other) => conversationName(one).localeCompare(conversationName(other));
const latestFirst = (one, other) =>
  Number(other.last_ts ?? 0) - Number(one.last_ts ?? 0) || byName(one, other);

const homeRow = (bot) =>
  row({
    key: HOME,
    at: HOME,
    mark: icon("home", 16),
    words: `${bot.name} Home`,
    data: { "data-testid": "app-home" },
  });

function rows() {
  const { bot, conversations, mail, web_url } = store.snapshot;
  const app = appConversation();
  const channels = conversations.filter((one) => !one.is_im).sort(byName);
  const direct = conversations.filter((one) => one.is_im && one !== app).sort(latestFirst);
  return [
    heading("Apps"),
    ...(app ? [conversationRow(app)] : []),
    ...(bot?.home_tab ? [homeRow(bot)] : []),
    heading("Channels"),
    ...channels.map(conversationRow),
    ...(direct.length ? [heading("Direct messages"), ...direct.map(conversationRow)] : []),
    heading("Outside Slack"),
    row({
      key: MAIL,
      at: MAIL,
      mark: icon("mail", 16),
      words: "Mail",
      data: { "data-testid": "mail" },
      note: mail
        ? el("span", { class: "count plain", "aria-label": `${mail} caught` }, mail)
        : null,
    }),
    ...(web_url ? [linkRow(web_url, "Web pages")] : []),
  ];
}

export function renderSidebar(node) {
  reconcile(node, rows());
}
