// Text between the person and the server: as one types it, and as it is kept.

import { unescape } from "./mrkdwn.js";
import { nameOf, store } from "./state.js";

/** Message text as one types it: entities as characters, mentions as @names. */
export function typedText(text) {
  return unescape(
    text
      .replace(/<@(\w+)(?:\|[^>]*)?>/g, (_, id) => `@${nameOf(id)}`)
      .replace(/<(?:[^<>|]+\|)?([^<>]+)>/g, "$1"),
  );
}

const literally = (text) => text.replace(/[.*+?^${}()|[\]\\]/g, "\\$&");

/** What a person typed, with @names of people as mentions; the server does the escaping. */
export function outgoing(text) {
  const names = store.snapshot.users.map((user) => [`@${nameOf(user.id)}`, user.id]);
  names.sort(([one], [other]) => other.length - one.length);
  return names.reduce(
    (sent, [name, id]) =>
      sent.replaceAll(new RegExp(`${literally(name)}(?![\\p{L}\\p{N}])`, "gu"), `<@${id}>`),
    text,
  );
}
