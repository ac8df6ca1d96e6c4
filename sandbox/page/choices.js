// Checkboxes and radio buttons.

import { el, freshId } from "./dom.js";
import { textObject } from "./mrkdwn.js";

/** `kind` is the type of the inputs: checkbox or radio. */
class Choices {
  constructor(element, field, kind) {
    Object.assign(this, { element, field, kind, group: freshId("choice") });
    this.many = kind === "checkbox";
    this.inputs = element.options.map((option) => this.input(option));
    this.node = el(
      "div",
      {
        class: "choices",
        role: this.many ? "group" : "radiogroup",
        "aria-label": field.name || "Choose",
        "aria-describedby": field.describedBy,
      },
      element.options.map((option, index) => this.row(option, this.inputs[index])),
    );
  }

  isChosen({ value }) {
    const { selected_options: several, selected_option: one } = this.field.state();
    return this.many ? several.some((option) => option.value === value) : one?.value === value;
  }

  chosen() {
    const options = this.element.options.filter((_, index) => this.inputs[index].checked);
    return this.many ? { selected_options: options } : { selected_option: options[0] ?? null };
  }

  /** Tell the app; an answer that fails takes the choice back. */
  async pick() {
    const earlier = this.field.state();
    this.field.set(this.chosen());
    if ((await this.field.fire(this.chosen(), this.node)) !== false) return;
    this.field.set(earlier);
    this.element.options.forEach((option, index) => {
      this.inputs[index].checked = this.isChosen(option);
    });
  }

  input(option) {
    return el("input", {
      type: this.kind,
      name: this.group,
      checked: this.isChosen(option),
      "data-focus": `${this.field.focus}/${option.value}`,
      onchange: () => this.pick(),
    });
  }

  row(option, input) {
    const words = [el("span", {}, textObject(option.text))];
    if (option.description) {
      words.push(el("span", { class: "choice-note" }, textObject(option.description)));
    }
    const beside = el("span", { class: "choice-words" }, words);
    return el("label", { class: "choice", dir: "auto" }, input, beside);
  }
}

export const checkboxes = (element, field) => new Choices(element, field, "checkbox").node;
export const radioButtons = (element, field) => new Choices(element, field, "radio").node;
