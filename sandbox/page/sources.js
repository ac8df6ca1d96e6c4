// What a select menu offers: fixed options, the app's suggestions, people, conversations, channels.

import { post } from "./api.js";
import { plain, textObject } from "./mrkdwn.js";
import { conversationOf, nameOf, store, userOf } from "./state.js";

const matches = (words, query) => words.toLocaleLowerCase().includes(query.toLocaleLowerCase());

// An entry of the list: {value, words, nodes?, note?, group?}

const optionEntry = (option, group) => ({
  value: option,
  words: plain(option.text),
  nodes: textObject(option.text),
  note: option.description ? plain(option.description) : "",
  group,
});

function staticEntries(element) {
  if (!element.option_groups) return (element.options ?? []).map((option) => optionEntry(option));
  return element.option_groups.flatMap((group) =>
    group.options.map((option) => optionEntry(option, plain(group.label))),
  );
}

function groupedOptions(answer) {
  return answer.option_groups ? staticEntries(answer) : staticEntries({ options: answer.options });
}

async function externalEntries(element, query, field) {
  const answer = await post("/_control/suggest", {
    user: store.place.user,
    ...field.address,
    action_id: element.action_id,
    block_id: field.blockId,
    value: query,
  });
  if (answer.ok === false) throw new Error(answer.error);
  return groupedOptions(answer);
}

const userEntry = (user) => ({
  value: user.id,
  words: nameOf(user.id),
  note: user.title || (user.is_bot ? "App" : ""),
});

export const conversationName = (one) => (one.is_im ? nameOf(one.user) : one.name);

const kindOf = (one) => (one.is_im ? "im" : one.is_private ? "private" : "public");

function conversationEntries(element) {
  const wanted = element.filter?.include;
  return store.snapshot.conversations
    .filter((one) => !wanted || wanted.includes(kindOf(one)))
    .filter((one) => !(element.filter?.exclude_bot_users && one.is_im && userOf(one.user)?.is_bot))
    .map((one) => ({
      value: one.id,
      words: conversationName(one),
      note: one.is_im ? "Direct message" : "",
    }));
}

const local = (entries) => (element, query) =>
  entries(element).filter((entry) => matches(`${entry.words} ${entry.note}`, query));
const conversationWords = (id) => (conversationOf(id) ? conversationName(conversationOf(id)) : id);
const optionWords = (option) => plain(option.text);

// Slack's select types: where entries come from, the state's keys, how a chosen value is worded
export const SOURCES = {
  static_select: {
    entries: local(staticEntries),
    one: "selected_option",
    many: "selected_options",
    words: optionWords,
  },
  external_select: {
    entries: externalEntries,
    one: "selected_option",
    many: "selected_options",
    words: optionWords,
  },
  users_select: {
    entries: local(() => store.snapshot.users.filter((user) => !user.deleted).map(userEntry)),
    one: "selected_user",
    many: "selected_users",
    words: nameOf,
  },
  conversations_select: {
    entries: local(conversationEntries),
    one: "selected_conversation",
    many: "selected_conversations",
    words: conversationWords,
  },
  channels_select: {
    entries: local(() => conversationEntries({ filter: { include: ["public"] } })),
    one: "selected_channel",
    many: "selected_channels",
    words: conversationWords,
  },
};
