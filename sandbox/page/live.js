// Server-sent events: what changed, as it changes, whatever the connection does.

import { MAIL, changed, refresh, store } from "./state.js";

const RETRY_MS = 1000;

let source = null;
let listeningAs = null;
let retry = null;

function everything() {
  const { at } = store.place;
  const channels = store.messages.has(at) ? [at] : [];
  return refresh({ snapshot: true, mail: at === MAIL, channels });
}

function onEvent(event) {
  const change = JSON.parse(event.data);
  const channels = (change.channels ?? []).filter((channel) => store.messages.has(channel));
  refresh({ snapshot: true, mail: Boolean(change.mail) && store.place.at === MAIL, channels });
}

function setOnline(online) {
  if (store.online === online) return;
  store.online = online;
  changed();
}

function connect(user) {
  source?.close();
  clearTimeout(retry);
  listeningAs = user;
  source = new EventSource(`/_page/events?${new URLSearchParams({ user })}`);
  let interrupted = false;
  source.onopen = () => {
    setOnline(true);
    if (interrupted) everything();
    interrupted = false;
  };
  source.onmessage = onEvent;
  source.onerror = () => {
    interrupted = true;
    setOnline(false);
    // A browser gives up for good when the answer is not an event stream; we do not.
    if (source.readyState === EventSource.CLOSED) {
      retry = setTimeout(() => {
        connect(user);
        everything();
      }, RETRY_MS);
    }
  };
}

/** Listen as the chosen person; call again whenever the person may have changed. */
export function listen() {
  const { user } = store.place;
  if (user && user !== listeningAs) {
    connect(user);
    // Whatever happened between the snapshot and the first event would be missed otherwise.
    source.addEventListener("open", everything, { once: true });
  }
}

/** When even the first snapshot failed: keep asking. */
export function keepTrying() {
  if (store.snapshot) return;
  setTimeout(async () => {
    await refresh({ snapshot: true });
    keepTrying();
  }, RETRY_MS);
}
