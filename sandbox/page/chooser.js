// A list one searches by typing: keys move, Enter picks.

import { el, freshId, icon } from "./dom.js";

const SUGGEST_AFTER_MS = 200;

/**
 * `load(query)` gives the entries; with `least` (a number of characters) it asks the app, so it waits
 * until typing pauses. `isChosen` and `pick` take an entry's value.
 */
export class Chooser {
  constructor({ name, multiple, load, least, isChosen, pick, onshow }) {
    Object.assign(this, { multiple, load, least, isChosen, pick, onshow });
    Object.assign(this, { entries: [], active: 0, asked: 0 });
    const listId = freshId("list");
    this.list = el("ul", {
      role: "listbox",
      id: listId,
      "aria-label": name,
      "aria-multiselectable": multiple ? "true" : null,
    });
    this.status = el("p", { class: "list-status", role: "status" });
    this.input = el("input", {
      class: "list-search",
      type: "text",
      role: "combobox",
      autocomplete: "off",
      spellcheck: "false",
      dir: "auto",
      placeholder: "Search",
      "aria-label": `Search: ${name}`,
      "aria-expanded": "true",
      "aria-controls": listId,
      "aria-autocomplete": "list",
      oninput: () => this.search(),
      onkeydown: (event) => this.key(event),
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
      this.show(
        [],
        `Type at least ${this.least} character${this.least === 1 ? "" : "s"} to search`,
      );
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
    this.active = Math.max(
      0,
      entries.findIndex((entry) => this.isChosen(entry.value)),
    );
    this.draw();
    this.onshow();
  }

  draw() {
    this.list.replaceChildren(...this.entries.flatMap((entry, index) => this.rows(entry, index)));
    this.mark();
  }

  rows(entry, index) {
    const heading = entry.group && entry.group !== this.entries[index - 1]?.group;
    const chosen = this.isChosen(entry.value);
    const row = el(
      "li",
      {
        role: "option",
        id: `${this.list.id}-${index}`,
        "aria-selected": String(chosen),
        dir: "auto",
        onclick: () => this.choose(index),
        onmousemove: () => this.move(index),
      },
      el("span", { class: "option-words" }, entry.nodes ? [...entry.nodes] : entry.words),
      entry.note ? el("span", { class: "option-note" }, entry.note) : null,
      chosen ? icon("check", 16) : null,
    );
    return heading
      ? [el("li", { role: "presentation", class: "option-group" }, entry.group), row]
      : [row];
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
      this.list.querySelector(".active")?.scrollIntoView({ block: "nearest" });
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
