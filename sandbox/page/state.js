// What the page knows, where the person stands, and who is told when either changes.

import { get, post } from "./api.js";

export const HOME = "home";
export const MAIL = "mail";
const LETTERS_SHOWN = 200;

/**
 * place: user, at (channel id, HOME or MAIL), thread (ts or null).
 * messages: channel id -> list. notices: channel id -> lines only this page shows.
 * typed: the commands the app has answered.
 */
export const store = {
  snapshot: null,
  place: { user: null, at: null, thread: null },
  messages: new Map(),
  notices: new Map(),
  typed: new Set(),
  mail: [],
  online: true,
};

const listeners = new Set();
let announced = false;

/** Call `listener` after every change, at most once a turn of the event loop. */
export function subscribe(listener) {
  listeners.add(listener);
}

export function changed() {
  if (announced) return;
  announced = true;
  queueMicrotask(() => {
    announced = false;
    for (const listener of listeners) listener();
  });
}

export const me = () => userOf(store.snapshot?.me);
export const userOf = (id) => store.snapshot?.users.find((user) => user.id === id);
export const conversationOf = (id) => store.snapshot?.conversations.find((one) => one.id === id);
export const here = () => conversationOf(store.place.at);
export const botName = () => store.snapshot?.bot?.name ?? "The app";

export function nameOf(id) {
  const user = userOf(id);
  return user ? user.real_name || user.name : id;
}

const isBot = (id) => id === store.snapshot.bot?.id || Boolean(userOf(id)?.is_bot);

/** The direct conversation between the chosen person and the app, if they have one. */
export function appConversation() {
  return store.snapshot?.conversations.find((one) => one.is_im && isBot(one.user));
}

/** People one can be: everybody but bots, those who left last. */
export function people() {
  const humans = store.snapshot?.users.filter((user) => !user.is_bot) ?? [];
  return [...humans.filter((user) => !user.deleted), ...humans.filter((user) => user.deleted)];
}

// The address: #USER/PLACE/THREAD

function readAddress() {
  const [user, at, thread] = location.hash.slice(1).split("/").map(decodeURIComponent);
  return { user: user || null, at: at || null, thread: thread || null };
}

function writeAddress(replace) {
  const { user, at, thread } = store.place;
  const hash = `#${[user, at, thread].filter(Boolean).map(encodeURIComponent).join("/")}`;
  if (hash === location.hash) return;
  if (replace) history.replaceState(null, "", hash);
  else history.pushState(null, "", hash);
}

function defaultPlace() {
  const conversations = store.snapshot.conversations;
  return (
    (appConversation() ?? conversations.find((one) => !one.is_im) ?? conversations[0])?.id ?? HOME
  );
}

/** Where a person lands: where they were, if they can see it. */
function settle() {
  const { place, snapshot } = store;
  if (!snapshot) return;
  place.user = snapshot.me;
  const known = place.at === HOME || place.at === MAIL || conversationOf(place.at);
  if (!known) {
    place.at = defaultPlace();
    place.thread = null;
  }
  writeAddress(true);
}

/** Move to a channel, HOME or MAIL, optionally with a thread open. */
export function go(at, thread = null) {
  const moved = at !== store.place.at;
  Object.assign(store.place, { at, thread });
  writeAddress(false);
  changed();
  if (moved) arrive();
}

function arrive() {
  const { user, at } = store.place;
  if (at === HOME) post("/_control/open-home", { user }).then(() => refresh({ snapshot: true }));
  else if (at === MAIL) refresh({ mail: true });
  else refresh({ channels: [at] });
}

/** Become somebody else; the place stays where they can see it too. */
export async function become(user) {
  if (user === store.place.user) return;
  const wasApp = store.place.at === appConversation()?.id;
  Object.assign(store.place, { user, thread: null, at: wasApp ? null : store.place.at });
  store.messages.clear();
  await refresh({ snapshot: true });
  writeAddress(false);
  arrive();
}

async function followAddress() {
  const wanted = readAddress();
  if (!wanted.user) return;
  const sameUser = wanted.user === store.place.user;
  Object.assign(store.place, wanted);
  if (!sameUser) {
    store.messages.clear();
    await refresh({ snapshot: true });
  }
  changed();
  arrive();
}

export async function start() {
  Object.assign(store.place, readAddress());
  window.addEventListener("popstate", followAddress);
  window.addEventListener("hashchange", () => {
    if (readAddress().user !== store.place.user || readAddress().at !== store.place.at)
      followAddress();
  });
  await refresh({ snapshot: true });
  if (store.snapshot) arrive();
}

// Fetching: whatever is asked for while a fetch is under way is fetched once more after it.

const wanted = { snapshot: false, mail: false, channels: new Set() };
let draining = null;

/** Fetch again what is named; resolves when the page shows it. */
export function refresh({ snapshot = false, mail = false, channels = [] }) {
  wanted.snapshot ||= snapshot;
  wanted.mail ||= mail;
  for (const channel of channels) wanted.channels.add(channel);
  draining ??= drain().finally(() => {
    draining = null;
  });
  return draining;
}

async function drain() {
  while (wanted.snapshot || wanted.mail || wanted.channels.size) {
    const batch = [];
    if (wanted.snapshot) batch.push(fetchSnapshot());
    if (wanted.mail) batch.push(fetchMail());
    for (const channel of wanted.channels) batch.push(fetchMessages(channel));
    Object.assign(wanted, { snapshot: false, mail: false, channels: new Set() });
    const results = await Promise.allSettled(batch);
    // fetch() throws TypeError when there is no server; an answer, even a refusal, is a connection.
    store.online = !results.some((result) => result.reason instanceof TypeError);
    markRead();
    changed();
  }
}

async function fetchSnapshot() {
  const asked = store.place.user;
  let snapshot;
  try {
    snapshot = await get("/_page/snapshot", { user: asked });
  } catch (problem) {
    if (!asked || store.snapshot) throw problem;
    snapshot = await get("/_page/snapshot");
    store.place.user = snapshot.me;
  }
  if (asked && asked !== store.place.user && store.place.user !== snapshot.me) return;
  store.snapshot = snapshot;
  settle();
}

async function fetchMessages(channel) {
  const user = store.place.user;
  const { messages } = await get("/_page/messages", { user, channel });
  if (user === store.place.user) store.messages.set(channel, messages);
}

async function fetchMail() {
  store.mail = (await get(`/_control/mail?latest=${LETTERS_SHOWN}`)).mail;
}

function markRead() {
  const conversation = here();
  if (!conversation?.unread || document.hidden || !store.messages.has(conversation.id)) return;
  conversation.unread = 0;
  post("/_page/read", { user: store.place.user, channel: conversation.id });
}

document.addEventListener("visibilitychange", () => {
  if (!document.hidden && store.snapshot) {
    markRead();
    changed();
  }
});

/** A line like Slackbot's, which only this page knows and a reload forgets. */
export function notice(channel, text, thread = null) {
  const lines = store.notices.get(channel) ?? [];
  store.notices.set(channel, [
    ...lines,
    { ts: String(Date.now() / 1000), text, thread, user: store.place.user },
  ]);
  changed();
}
