// Where one types: messages, slash commands with their list, mentions.

import { post } from "./api.js";
import { el, freshId, iconButton } from "./dom.js";
import { editLatest } from "./editing.js";
import { botName, nameOf, notice, refresh, store } from "./state.js";
import { outgoing } from "./typing.js";

const drafts = new Map();
const NOT_A_COMMAND = (name) =>
  `\`${name}\` is not a valid command. A message that starts with "/" is taken for one.`;
const NOT_IN_THREADS = (name) =>
  `\`${name}\` cannot be used in a thread. Type it in the channel instead.`;

function commandEntries(text) {
  const typed = /^\/\S*$/.exec(text)?.[0];
  if (!typed) return [];
  return store.snapshot.commands
    .filter((one) => one.command.startsWith(typed))
    .map((one) => ({
      insert: `${one.command} `,
      from: 0,
      words: one.command,
      hint: one.usage_hint,
      note: one.description,
    }));
}

function mentionEntries(text, caret) {
  const typed = /(?:^|\s)@([^\s@]*(?: [^\s@]*)?)$/.exec(text.slice(0, caret));
  if (!typed) return [];
  const wanted = typed[1].toLocaleLowerCase();
  return store.snapshot.users
    .filter(
      (user) =>
        !user.deleted &&
        [nameOf(user.id), user.name].some((name) => name.toLocaleLowerCase().startsWith(wanted)),
    )
    .slice(0, 8)
    .map((user) => ({
      insert: `@${nameOf(user.id)} `,
      from: caret - typed[1].length - 1,
      words: nameOf(user.id),
      note: user.title ?? "",
    }));
}

/**
 * A text box for one place after another: `place()` gives {key, channel, thread, name, messages},
 * `onsent` is called when something typed has come to its place.
 */
export class Composer {
  constructor(testid, tip, { place, onsent }) {
    Object.assign(this, { place, onsent, entries: [], active: 0, key: null });
    this.list = el("ul", {
      class: "suggestions",
      role: "listbox",
      id: freshId("suggestions"),
      "aria-label": "Suggestions",
      hidden: true,
    });
    this.usage = el("p", { class: "usage-hint", role: "status", hidden: true });
    this.box = this.textBox(testid);
    this.send = iconButton("send", "Send", () => this.submit(), { class: "send", disabled: true });
    const below = el("span", { class: "quiet composer-tip" }, tip);
    const bar = el("div", { class: "composer-bar" }, below, this.send);
    const frame = el("div", { class: "composer-box" }, this.box, bar);
    this.node = el("div", { class: "composer" }, this.list, this.usage, frame);
  }

  textBox(testid) {
    return el("textarea", {
      "data-testid": testid,
      rows: 1,
      dir: "auto",
      spellcheck: "true",
      autocomplete: "off",
      "aria-autocomplete": "list",
      "aria-controls": this.list.id,
      oninput: () => this.typed(),
      onkeydown: (event) => this.keydown(event),
      onblur: () => this.suggest([]),
      onclick: () => this.lookUp(),
    });
  }

  /** Show the draft of the place one is in now. */
  render() {
    const { key, name } = this.place();
    if (key === this.key) return;
    if (this.key !== null) drafts.set(this.key, this.box.value);
    this.key = key;
    this.box.placeholder = name;
    this.box.setAttribute("aria-label", name);
    this.put(drafts.get(key) ?? "", false);
  }

  put(text, focus = true) {
    this.box.value = text;
    if (focus) this.box.focus();
    this.fit();
    this.lookUp();
    this.suggest(focus ? this.entries : []);
  }

  typed() {
    this.fit();
    this.lookUp();
  }

  fit() {
    this.box.style.height = "auto";
    this.box.style.height = `${Math.min(this.box.scrollHeight, 220)}px`;
    this.send.disabled = !this.box.value.trim();
  }

  lookUp() {
    const text = this.box.value;
    const entries = commandEntries(text);
    this.suggest(entries.length ? entries : mentionEntries(text, this.box.selectionStart));
    const known = store.snapshot.commands.find((one) => text.startsWith(`${one.command} `));
    this.usage.hidden = !known?.usage_hint;
    if (known)
      this.usage.replaceChildren(el("strong", {}, known.command), " ", known.usage_hint ?? "");
  }

  suggest(entries) {
    this.entries = entries;
    this.active = 0;
    this.list.hidden = !entries.length;
    this.list.replaceChildren(
      ...entries.map((entry, index) =>
        el(
          "li",
          {
            role: "option",
            id: `${this.list.id}-${index}`,
            onpointerdown: (event) => {
              event.preventDefault();
              this.accept(index);
            },
          },
          el(
            "span",
            { class: "option-words", dir: "auto" },
            el("strong", {}, entry.words),
            entry.hint ? el("span", { class: "quiet" }, ` ${entry.hint}`) : null,
          ),
          el("span", { class: "option-note", dir: "auto" }, entry.note),
        ),
      ),
    );
    this.mark();
  }

  mark() {
    [...this.list.children].forEach((row, index) =>
      row.setAttribute("aria-selected", String(index === this.active)),
    );
    if (this.entries.length)
      this.box.setAttribute("aria-activedescendant", `${this.list.id}-${this.active}`);
    else this.box.removeAttribute("aria-activedescendant");
    this.list.children[this.active]?.scrollIntoView({ block: "nearest" });
  }

  accept(index) {
    const entry = this.entries[index];
    const caret = this.box.selectionStart;
    this.box.setRangeText(
      entry.insert,
      entry.from,
      entry.from ? caret : Math.max(caret, entry.words.length),
      "end",
    );
    this.typed();
    this.suggest([]);
  }

  /** Keys while the list is open; true when the key was for the list. */
  listKey(event) {
    const count = this.entries.length;
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    // Enter on a command typed to its end sends it.
    const complete = this.box.value === this.entries[this.active].words;
    if (step) {
      this.active = (this.active + step + count) % count;
      this.mark();
    } else if (event.key === "Tab" || (event.key === "Enter" && !complete))
      this.accept(this.active);
    else if (event.key === "Escape") this.suggest([]);
    else return false;
    return true;
  }

  keydown(event) {
    if (event.isComposing) return;
    if (this.entries.length && this.listKey(event)) event.preventDefault();
    else if (event.key === "Enter" && !event.shiftKey) {
      event.preventDefault();
      this.submit();
    } else if (event.key === "ArrowUp" && !this.box.value) {
      const { channel, thread, messages } = this.place();
      if (editLatest(channel, messages(), thread)) event.preventDefault();
    }
  }

  async submit() {
    const text = this.box.value.trim();
    if (!text) return;
    const { channel, thread } = this.place();
    const key = this.key;
    this.put("");
    drafts.delete(key);
    const failed = text.startsWith("/")
      ? await this.command(text, channel, thread)
      : await this.message(text, channel, thread);
    if (failed && this.key === key && !this.box.value) this.put(text);
    this.onsent();
  }

  /** True when the text should come back to the box. */
  async command(text, channel, thread) {
    const [name] = text.split(/\s/, 1);
    const known = store.snapshot.commands.some((one) => one.command === name);
    if (thread || !known) {
      notice(channel, thread ? NOT_IN_THREADS(name) : NOT_A_COMMAND(name), thread);
      return true;
    }
    this.node.setAttribute("aria-busy", "true");
    const answer = await post("/_control/command", {
      user: store.place.user,
      channel,
      command: name,
      text: outgoing(text.slice(name.length).trim()),
    });
    this.node.removeAttribute("aria-busy");
    if (answer.ok === false)
      notice(channel, `\`${name}\` failed: ${botName()} did not respond (${answer.error}).`);
    else store.typed.add(text);
    await refresh({ snapshot: true, channels: [channel] });
    return false;
  }

  async message(text, channel, thread) {
    const answer = await post("/_control/message", {
      user: store.place.user,
      channel,
      text: outgoing(text),
      ...(thread ? { thread_ts: thread } : {}),
    });
    if (answer.ok === false) notice(channel, `Your message was not sent: ${answer.error}.`, thread);
    await refresh({ snapshot: true, channels: [channel] });
    return answer.ok === false;
  }
}
