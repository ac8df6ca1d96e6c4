// Block elements one can click or fill in.

import { el, freshId, icon } from "./dom.js";
import { enter, stateOf } from "./fields.js";
import { interact } from "./interact.js";
import { plain, textObject } from "./mrkdwn.js";
import { closePopup, isOpen, openMenu } from "./popup.js";
import { select } from "./select.js";
import { store } from "./state.js";

const MARK_DATE_AFTER_MS = 700;

/** One element's link to its place: what it holds, and how it tells the app. */
function fieldOf(context, block, element, { name = "", dispatches = true, describedBy = null, required = false } = {}) {
  const blockId = block.block_id;
  return {
    blockId, name, dispatches, describedBy, required,
    address: context.address,
    focus: `${blockId}/${element.action_id}`,
    id: freshId("field"),
    state: () => stateOf(context.container, blockId, element, context.state),
    set: (state) => {
      enter(context.container, blockId, element, state);
      context.edited(blockId);
    },
    fire: (choice, node) => (dispatches ? interact(context, element, blockId, choice, node) : undefined),
    click: (node, choice) => interact(context, element, blockId, choice, node),
  };
}

function hiddenFrom(element) {
  return element.visible_to_user_ids && !element.visible_to_user_ids.includes(store.snapshot.me);
}

function button(element, field) {
  if (hiddenFrom(element)) return null;
  const label = element.accessibility_label || null;
  return el("button", {
    type: "button", class: `button ${element.style ?? ""}`, "aria-label": label, dir: "auto", title: label,
    "data-action-id": element.action_id, "data-focus": `${field.focus}/${element.value ?? ""}`,
    onclick: (event) => {
      if (element.url) window.open(element.url, "_blank", "noopener");
      field.click(event.currentTarget);
    },
  }, textObject(element.text));
}

const ICON_BUTTONS = { trash: "trash", edit: "edit", calendar: "calendar" };

function iconButtonElement(element, field) {
  if (hiddenFrom(element)) return null;
  const label = element.accessibility_label || plain(element.text);
  return el("button", {
    type: "button", class: "icon-button framed", "aria-label": label, title: label, "data-focus": field.focus,
    "data-action-id": element.action_id, onclick: (event) => field.click(event.currentTarget),
  }, icon(ICON_BUTTONS[element.icon] ?? "info", 16));
}

function feedback(element, field) {
  const one = (choice, shape) => {
    const label = choice.accessibility_label || plain(choice.text);
    return el("button", {
      type: "button", class: "icon-button framed", "aria-label": label, title: plain(choice.text),
      onclick: (event) => {
        for (const sibling of event.currentTarget.parentNode.children) sibling.classList.toggle("chosen", sibling === event.currentTarget);
        field.click(event.currentTarget, { value: choice.value, text: choice.text });
      },
    }, icon(shape, 16));
  };
  return el("span", { class: "feedback", role: "group", "aria-label": "Feedback" }, one(element.positive_button, "up"), one(element.negative_button, "thumb_down"));
}

function overflow(element, field) {
  const trigger = el("button", {
    type: "button", class: "button overflow", "aria-label": "More actions", title: "More actions", "aria-haspopup": "menu",
    "aria-expanded": "false", "data-action-id": element.action_id, "data-focus": field.focus,
    onclick: () => {
      if (isOpen(trigger)) return closePopup();
      const items = element.options.map((option) => ({
        label: plain(option.text), nodes: textObject(option.text), url: option.url,
        pick: () => field.click(trigger, { selected_option: option }),
      }));
      return openMenu(trigger, "More actions", items);
    },
  }, icon("more"));
  return trigger;
}

function choices(element, field, kind) {
  const many = kind === "checkbox";
  const group = freshId("choice");
  const valueOf = (option) => option.value;
  const isChosen = (option) => {
    const state = field.state();
    return many ? state.selected_options.some((one) => valueOf(one) === valueOf(option)) : state.selected_option?.value === valueOf(option);
  };
  const pick = async (option, input) => {
    const earlier = field.state();
    const rest = many ? earlier.selected_options.filter((one) => valueOf(one) !== valueOf(option)) : [];
    const choice = many ? { selected_options: input.checked ? [...rest, option] : rest } : { selected_option: option };
    field.set(choice);
    if ((await field.fire(choice, box)) === false) {
      field.set(earlier);
      for (const [index, one] of element.options.entries()) box.querySelectorAll("input")[index].checked = isChosen(one);
    }
  };
  const row = (option) =>
    el("label", { class: "choice", dir: "auto" },
      el("input", {
        type: kind, name: group, checked: isChosen(option), "data-focus": `${field.focus}/${option.value}`,
        onchange: (event) => pick(option, event.currentTarget),
      }),
      el("span", { class: "choice-words" }, el("span", {}, textObject(option.text)),
        option.description ? el("span", { class: "choice-note" }, textObject(option.description)) : null));
  const role = many ? "group" : "radiogroup";
  const box = el("div", { class: "choices", role, "aria-label": field.name || "Choose", "aria-describedby": field.describedBy }, element.options.map(row));
  return box;
}

// When a text in a message or with dispatch_action tells the app
function fires(element, on) {
  return (element.dispatch_action_config?.trigger_actions_on ?? ["on_enter_pressed"]).includes(on);
}

function entry(element, field, props, { multiline = false, toState = (value) => ({ value: value || null }), fromState = (state) => state.value } = {}) {
  const node = el(multiline ? "textarea" : "input", {
    class: "text-input", id: field.id, dir: "auto", "aria-label": field.name || plain(element.placeholder) || "Text", "aria-describedby": field.describedBy,
    "aria-required": field.required ? "true" : null, placeholder: plain(element.placeholder), "data-focus": field.focus, "data-action-id": element.action_id,
    "data-autofocus": element.focus_on_load, autocomplete: "off", ...props,
    oninput: () => {
      field.set(toState(node.value));
      if (field.dispatches && fires(element, "on_character_entered")) field.fire(toState(node.value), node);
    },
    onkeydown: (event) => {
      if (event.key !== "Enter" || multiline || !field.dispatches || !fires(element, "on_enter_pressed")) return;
      event.preventDefault();
      field.fire(toState(node.value), node);
    },
  });
  node.value = fromState(field.state()) ?? "";
  return node;
}

function plainText(element, field) {
  const props = { maxlength: element.max_length ?? 3000, ...(element.multiline ? { rows: 4 } : { type: "text" }) };
  return entry(element, field, props, { multiline: Boolean(element.multiline) });
}

// Not type=number: what was typed must survive to be named in the error.
const numberInput = (element, field) => entry(element, field, { type: "text", inputmode: element.is_decimal_allowed ? "decimal" : "numeric" });

const words = (part) => (part.elements ? part.elements.map(words).join(part.type === "rich_text" ? "\n" : "") : (part.text ?? ""));
const richValue = (text) =>
  text ? { type: "rich_text", elements: [{ type: "rich_text_section", elements: [{ type: "text", text }] }] } : null;

function richInput(element, field) {
  return entry(element, field, { rows: 4 }, {
    multiline: true,
    toState: (value) => ({ rich_text_value: richValue(value) }),
    fromState: (state) => (state.rich_text_value ? words(state.rich_text_value) : ""),
  });
}

const twoDigits = (number) => String(number).padStart(2, "0");

function localMinute(seconds) {
  const at = new Date(seconds * 1000);
  const date = [at.getFullYear(), twoDigits(at.getMonth() + 1), twoDigits(at.getDate())].join("-");
  return `${date}T${twoDigits(at.getHours())}:${twoDigits(at.getMinutes())}`;
}

// element type -> input type, state key, and the conversions between the two
const MOMENTS = {
  datepicker: { type: "date", key: "selected_date", read: (value) => value, write: (value) => value },
  timepicker: { type: "time", key: "selected_time", read: (value) => value, write: (value) => value },
  datetimepicker: { type: "datetime-local", key: "selected_date_time", read: (value) => Date.parse(value) / 1000, write: localMinute },
};

function moment(element, field) {
  const { type, key, read, write } = MOMENTS[element.type];
  const held = field.state()[key];
  let timer = null;
  const node = el("input", {
    type, class: "text-input moment", "aria-label": field.name || plain(element.placeholder) || "Date", "aria-describedby": field.describedBy,
    "data-focus": field.focus, "data-action-id": element.action_id,
    onchange: () => {
      const choice = { [key]: node.value ? read(node.value) : null };
      field.set(choice);
      clearTimeout(timer);
      // A year being typed is a date at every digit.
      if (!/^0/.test(node.value)) timer = setTimeout(() => field.fire(choice, node), MARK_DATE_AFTER_MS);
    },
  });
  node.value = held ? write(held) : "";
  return node;
}

function readFile(file) {
  return new Promise((resolve, reject) => {
    const reader = new FileReader();
    reader.onload = () => resolve({ name: file.name, mimetype: file.type || "application/octet-stream", size: file.size, content_base64: reader.result.split(",")[1] ?? "" });
    reader.onerror = () => reject(reader.error);
    reader.readAsDataURL(file);
  });
}

function fileInput(element, field) {
  const most = element.max_files ?? 10;
  const status = el("p", { class: "file-list", "aria-live": "polite" });
  const show = () => status.replaceChildren(...field.state().files.map((file) => el("span", { class: "chip", dir: "auto" }, icon("file", 14), file.name)));
  const node = el("input", {
    type: "file", multiple: most > 1, accept: element.filetypes?.map((type) => `.${type}`).join(",") || null,
    "aria-label": field.name || "File", "aria-describedby": field.describedBy, "data-focus": field.focus, "data-action-id": element.action_id,
    onchange: async () => {
      const files = await Promise.all([...node.files].slice(0, most).map(readFile));
      field.set({ files });
      show();
    },
  });
  show();
  return el("div", { class: "file-input" }, node, status);
}

function image(element) {
  return el("img", { class: "element-image", src: imageUrl(element), alt: element.alt_text, onerror: (event) => event.currentTarget.replaceWith(el("span", { class: "image-missing" }, element.alt_text)) });
}

/** Where an image is: anywhere, or a file of this workspace. */
export function imageUrl(holder) {
  if (holder.image_url) return holder.image_url;
  return holder.slack_file?.url ?? `/_page/files/${encodeURIComponent(holder.slack_file?.id ?? "")}`;
}

const ELEMENTS = {
  button, overflow, image,
  workflow_button: button,
  icon_button: iconButtonElement,
  feedback_buttons: feedback,
  checkboxes: (element, field) => choices(element, field, "checkbox"),
  radio_buttons: (element, field) => choices(element, field, "radio"),
  plain_text_input: plainText,
  email_text_input: (element, field) => entry(element, field, { type: "email" }),
  url_text_input: (element, field) => entry(element, field, { type: "url" }),
  number_input: numberInput,
  rich_text_input: richInput,
  datepicker: moment,
  timepicker: moment,
  datetimepicker: moment,
  file_input: fileInput,
};

/** An element of a block as a node; null when it is not for this person. */
export function drawElement(context, block, element, options) {
  const draw = ELEMENTS[element.type] ?? (element.type.endsWith("_select") ? select : null);
  if (!draw) return el("span", { class: "unknown" }, `[${element.type}]`);
  return draw(element, fieldOf(context, block, element, options));
}
