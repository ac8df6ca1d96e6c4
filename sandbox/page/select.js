// Select menus: one list with type-ahead for static, external, people, channels and conversations.

import { post } from "./api.js";
import { el, freshId, icon } from "./dom.js";
import { plain, textObject } from "./mrkdwn.js";
import { isOpen, openPopup } from "./popup.js";
import { conversationOf, nameOf, store, userOf } from "./state.js";

const SUGGEST_AFTER_MS = 200;

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
  return element.option_groups.flatMap((group) => group.options.map((option) => optionEntry(option, plain(group.label))));
}

function groupedOptions(answer) {
  return answer.option_groups ? staticEntries(answer) : staticEntries({ options: answer.options });
}

async function externalEntries(element, query, field) {
  const answer = await post("/_control/suggest", {
    user: store.place.user, ...field.address, action_id: element.action_id, block_id: field.blockId, value: query,
  });
  if (answer.ok === false) throw new Error(answer.error);
  return groupedOptions(answer);
}

const userEntry = (user) => ({ value: user.id, words: nameOf(user.id), note: user.title || (user.is_bot ? "App" : "") });

export const conversationName = (one) => (one.is_im ? nameOf(one.user) : one.name);

const kindOf = (one) => (one.is_im ? "im" : one.is_private ? "private" : "public");

function conversationEntries(element) {
  const wanted = element.filter?.include;
  return store.snapshot.conversations
    .filter((one) => !wanted || wanted.includes(kindOf(one)))
    .filter((one) => !(element.filter?.exclude_bot_users && one.is_im && userOf(one.user)?.is_bot))
    .map((one) => ({ value: one.id, words: conversationName(one), note: one.is_im ? "Direct message" : "" }));
}

const local = (entries) => (element, query) => entries(element).filter((entry) => matches(`${entry.words} ${entry.note}`, query));
const conversationWords = (id) => (conversationOf(id) ? conversationName(conversationOf(id)) : id);
const optionWords = (option) => plain(option.text);

// Slack's select types: where entries come from, the state's keys, how a chosen value is worded
const SOURCES = {
  static_select: { entries: local(staticEntries), one: "selected_option", many: "selected_options", words: optionWords },
  external_select: { entries: externalEntries, one: "selected_option", many: "selected_options", words: optionWords },
  users_select: {
    entries: local(() => store.snapshot.users.filter((user) => !user.deleted).map(userEntry)),
    one: "selected_user", many: "selected_users", words: nameOf,
  },
  conversations_select: { entries: local(conversationEntries), one: "selected_conversation", many: "selected_conversations", words: conversationWords },
  channels_select: {
    entries: local(() => conversationEntries({ filter: { include: ["public"] } })),
    one: "selected_channel", many: "selected_channels", words: conversationWords,
  },
};

const keyOf = (value) => (typeof value === "string" ? value : value.value);

/** The list with its search box: keys move, Enter picks, typing filters. */
class Chooser {
  constructor({ name, multiple, load, least, isChosen, pick }) {
    Object.assign(this, { multiple, load, least, isChosen, pick, entries: [], active: 0, asked: 0 });
    const listId = freshId("list");
    this.list = el("ul", { role: "listbox", id: listId, "aria-label": name, "aria-multiselectable": multiple ? "true" : null });
    this.status = el("p", { class: "list-status", role: "status" });
    this.input = el("input", {
      class: "list-search", type: "text", role: "combobox", autocomplete: "off", spellcheck: "false", dir: "auto",
      placeholder: "Search", "aria-label": `Search: ${name}`, "aria-expanded": "true", "aria-controls": listId, "aria-autocomplete": "list",
      oninput: () => this.search(), onkeydown: (event) => this.key(event),
    });
    this.node = el("div", { class: "chooser" }, this.input, this.status, this.list);
  }

  search() {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.fetch(), this.least === null ? 0 : SUGGEST_AFTER_MS);
  }

  async fetch() {
    const query = this.input.value.trim();
    const turn = (this.asked += 1);
    if (query.length < (this.least ?? 0)) {
      this.show([], `Type at least ${this.least} character${this.least === 1 ? "" : "s"} to search`);
      return;
    }
    if (this.least !== null) this.status.textContent = "Loading…";
    try {
      const entries = await this.load(query);
      if (turn === this.asked) this.show(entries, entries.length ? "" : "No results");
    } catch {
      if (turn === this.asked) this.show([], "These options could not be loaded");
    }
  }

  show(entries, status) {
    this.entries = entries;
    this.status.textContent = status;
    this.active = Math.max(0, entries.findIndex((entry) => this.isChosen(entry.value)));
    this.draw();
    this.onshow?.();
  }

  draw() {
    this.list.replaceChildren(...this.entries.flatMap((entry, index) => this.rows(entry, index)));
    this.mark();
  }

  rows(entry, index) {
    const heading = entry.group && entry.group !== this.entries[index - 1]?.group;
    const chosen = this.isChosen(entry.value);
    const row = el("li", {
      role: "option", id: `${this.list.id}-${index}`, "aria-selected": String(chosen), dir: "auto",
      onclick: () => this.choose(index), onmousemove: () => this.move(index),
    }, el("span", { class: "option-words" }, entry.nodes ? [...entry.nodes] : entry.words),
    entry.note ? el("span", { class: "option-note" }, entry.note) : null,
    chosen ? icon("check", 16) : null);
    return heading ? [el("li", { role: "presentation", class: "option-group" }, entry.group), row] : [row];
  }

  move(index) {
    if (index === this.active) return;
    this.active = index;
    this.mark();
  }

  mark() {
    const id = `${this.list.id}-${this.active}`;
    for (const row of this.list.children) row.classList.toggle("active", row.id === id);
    if (this.entries.length) this.input.setAttribute("aria-activedescendant", id);
    else this.input.removeAttribute("aria-activedescendant");
  }

  key(event) {
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (step && this.entries.length) {
      event.preventDefault();
      this.move((this.active + step + this.entries.length) % this.entries.length);
      this.list.children[[...this.list.children].findIndex((row) => row.classList.contains("active"))]?.scrollIntoView({ block: "nearest" });
    } else if (event.key === "Enter") {
      event.preventDefault();
      if (this.entries.length) this.choose(this.active);
    }
  }

  choose(index) {
    this.pick(this.entries[index].value);
    if (this.multiple) this.draw();
  }
}

function chip(words, remove) {
  return el("span", { class: "chip", dir: "auto" }, words,
    el("button", { type: "button", class: "chip-remove", "aria-label": `Remove ${words}`, onclick: (event) => {
      event.stopPropagation();
      remove();
    } }, "×"));
}

function accessibleName(name, words, placeholder) {
  if (!words) return name ? `${name}: ${placeholder}` : placeholder;
  return `${name || placeholder}: ${words}`;
}

/** A select of any kind; `field` reads, keeps and sends its state. */
export function select(element, field) {
  const multiple = element.type.startsWith("multi_");
  const source = SOURCES[element.type.replace("multi_", "")];
  const external = source === SOURCES.external_select;
  const key = multiple ? source.many : source.one;
  const chosen = () => (multiple ? field.state()[key] : [field.state()[key]].filter(Boolean));
  const isChosen = (value) => chosen().some((one) => keyOf(one) === keyOf(value));
  const placeholder = plain(element.placeholder) || "Select an option";
  let before = "";

  const put = (values) => {
    field.set({ [key]: multiple ? values : (values[0] ?? null) });
    draw();
  };
  const send = async () => {
    const earlier = JSON.parse(before);
    if (JSON.stringify(chosen()) === before) return;
    const choice = { [key]: multiple ? chosen() : (chosen()[0] ?? null) };
    if ((await field.fire(choice, trigger)) === false && field.dispatches) put(earlier);
  };
  const pick = (value) => {
    if (!multiple) {
      put([value]);
      handle.close();
    } else if (isChosen(value)) put(chosen().filter((one) => keyOf(one) !== keyOf(value)));
    else if (!(chosen().length >= element.max_selected_items)) put([...chosen(), value]);
    handle?.place();
  };

  let handle = null;
  const open = () => {
    if (isOpen(trigger)) return handle.close();
    before = JSON.stringify(chosen());
    const chooser = new Chooser({
      name: field.name || placeholder, multiple, isChosen, pick,
      least: external ? (element.min_query_length ?? 3) : null,
      load: (query) => source.entries(element, query, field),
    });
    handle = openPopup(trigger, chooser.node, { onclose: send, matchWidth: true });
    chooser.onshow = () => handle.place();
    chooser.input.focus();
    return chooser.fetch();
  };
  const trigger = el("button", {
    type: "button", class: "select", "aria-haspopup": "listbox", "aria-expanded": "false",
    "data-focus": field.focus, "data-action-id": element.action_id, onclick: open,
  });
  const chips = el("div", { class: "chips" });
  const draw = () => {
    const words = chosen().map(source.words);
    const shown = multiple || !words.length ? placeholder : words[0];
    trigger.replaceChildren(el("span", { class: words.length && !multiple ? "" : "placeholder", dir: "auto" }, shown), icon("down", 14));
    trigger.setAttribute("aria-label", accessibleName(field.name, words.join(", "), placeholder));
    const remove = (value) => () => {
      before = JSON.stringify(chosen());
      put(chosen().filter((one) => keyOf(one) !== keyOf(value)));
      send();
    };
    if (multiple) chips.replaceChildren(...chosen().map((value) => chip(source.words(value), remove(value))));
  };
  draw();
  return multiple ? el("div", { class: "multi" }, chips, trigger) : trigger;
}
