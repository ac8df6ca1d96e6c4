// Select menus, with one choice or many.

import { Chooser } from "./chooser.js";
import { el, icon } from "./dom.js";
import { plain } from "./mrkdwn.js";
import { isOpen, openPopup } from "./popup.js";
import { SOURCES } from "./sources.js";

const LEAST_CHARS = 3;

const keyOf = (value) => (typeof value === "string" ? value : value.value);

function chip(words, remove) {
  const cross = el(
    "button",
    { type: "button", class: "chip-remove", "aria-label": `Remove ${words}`, onclick: remove },
    "×",
  );
  return el("span", { class: "chip", dir: "auto" }, words, cross);
}

function accessibleName(name, words, placeholder) {
  if (!words) return name ? `${name}: ${placeholder}` : placeholder;
  return `${name || placeholder}: ${words}`;
}

/** `field` reads, keeps and sends what is chosen. */
class Select {
  constructor(element, field) {
    const kind = element.type.replace("multi_", "");
    this.element = element;
    this.field = field;
    this.multiple = kind !== element.type;
    this.source = SOURCES[kind];
    this.external = kind === "external_select";
    this.key = this.multiple ? this.source.many : this.source.one;
    this.placeholder = plain(element.placeholder) || "Select an option";
    this.trigger = el("button", {
      type: "button",
      class: "select",
      "aria-haspopup": "listbox",
      "aria-expanded": "false",
      "data-focus": field.focus,
      "data-action-id": element.action_id,
      onclick: () => (isOpen(this.trigger) ? this.popup.close() : this.open()),
    });
    this.chips = el("div", { class: "chips" });
    this.node = this.multiple
      ? el("div", { class: "multi" }, this.chips, this.trigger)
      : this.trigger;
    this.draw();
  }

  chosen() {
    const held = this.field.state()[this.key];
    return this.multiple ? held : [held].filter(Boolean);
  }

  isChosen(value) {
    return this.chosen().some((one) => keyOf(one) === keyOf(value));
  }

  stateOf(values) {
    return { [this.key]: this.multiple ? values : (values[0] ?? null) };
  }

  keep(values) {
    this.field.set(this.stateOf(values));
    this.draw();
  }

  without(value) {
    return this.chosen().filter((one) => keyOf(one) !== keyOf(value));
  }

  /** Tell the app, unless all is as `before`; an answer that fails takes the choice back. */
  async send(before) {
    const now = this.chosen();
    if (JSON.stringify(now) === JSON.stringify(before)) return;
    const sent = await this.field.fire(this.stateOf(now), this.trigger);
    if (sent === false) this.keep(before);
  }

  pick(value) {
    if (!this.multiple) {
      this.keep([value]);
      this.popup.close();
      return;
    }
    const full = this.chosen().length >= (this.element.max_selected_items ?? Infinity);
    if (this.isChosen(value)) this.keep(this.without(value));
    else if (!full) this.keep([...this.chosen(), value]);
    this.popup.place();
  }

  open() {
    const before = this.chosen();
    const chooser = new Chooser({
      name: this.field.name || this.placeholder,
      multiple: this.multiple,
      least: this.external ? (this.element.min_query_length ?? LEAST_CHARS) : null,
      load: (query) => this.source.entries(this.element, query, this.field),
      isChosen: (value) => this.isChosen(value),
      pick: (value) => this.pick(value),
      onshow: () => this.popup.place(),
    });
    this.popup = openPopup(this.trigger, chooser.node, {
      onclose: () => this.send(before),
      matchWidth: true,
    });
    chooser.input.focus();
    chooser.fetch();
  }

  draw() {
    const words = this.chosen().map(this.source.words);
    const single = this.multiple ? undefined : words[0];
    this.trigger.replaceChildren(
      el("span", { class: single ? "" : "placeholder", dir: "auto" }, single ?? this.placeholder),
      icon("down", 14),
    );
    const name = accessibleName(this.field.name, words.join(", "), this.placeholder);
    this.trigger.setAttribute("aria-label", name);
    if (this.multiple)
      this.chips.replaceChildren(...this.chosen().map((value) => this.chip(value)));
  }

  chip(value) {
    return chip(this.source.words(value), () => {
      const before = this.chosen();
      this.keep(this.without(value));
      this.send(before);
    });
  }
}

/** A select of any of Slack's kinds. */
export const select = (element, field) => new Select(element, field).node;
