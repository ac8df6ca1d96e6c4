// Elements one types into, picks a moment in, or gives a file to.

import { el, icon } from "./dom.js";
import { plain } from "./mrkdwn.js";

const MARK_DATE_AFTER_MS = 700;

// When a text in a message or with dispatch_action tells the app
function fires(element, on) {
  return (element.dispatch_action_config?.trigger_actions_on ?? ["on_enter_pressed"]).includes(on);
}

const plainState = {
  multiline: false,
  toState: (value) => ({ value: value || null }),
  fromState: (state) => state.value,
};

function entry(element, field, props, kind = {}) {
  const { multiline, toState, fromState } = { ...plainState, ...kind };
  const tell = (on) => {
    if (field.dispatches && fires(element, on)) field.fire(toState(node.value), node);
  };
  const node = el(multiline ? "textarea" : "input", {
    class: "text-input",
    dir: "auto",
    "aria-label": field.name || plain(element.placeholder) || "Text",
    "aria-describedby": field.describedBy,
    "aria-required": field.required ? "true" : null,
    placeholder: plain(element.placeholder),
    "data-focus": field.focus,
    "data-action-id": element.action_id,
    "data-autofocus": element.focus_on_load,
    autocomplete: "off",
    ...props,
    oninput: () => {
      field.set(toState(node.value));
      tell("on_character_entered");
    },
    onkeydown: (event) => {
      if (event.key !== "Enter" || multiline || !field.dispatches) return;
      event.preventDefault();
      tell("on_enter_pressed");
    },
  });
  node.value = fromState(field.state()) ?? "";
  return node;
}

export const emailInput = (element, field) => entry(element, field, { type: "email" });
export const urlInput = (element, field) => entry(element, field, { type: "url" });

export function plainText(element, field) {
  const props = {
    maxlength: element.max_length ?? 3000,
    ...(element.multiline ? { rows: 4 } : { type: "text" }),
  };
  return entry(element, field, props, { multiline: Boolean(element.multiline) });
}

// Not type=number: what was typed must survive to be named in the error.
export const numberInput = (element, field) =>
  entry(element, field, {
    type: "text",
    inputmode: element.is_decimal_allowed ? "decimal" : "numeric",
  });

const words = (part) =>
  part.elements
    ? part.elements.map(words).join(part.type === "rich_text" ? "\n" : "")
    : (part.text ?? "");

function richValue(text) {
  if (!text) return null;
  const section = { type: "rich_text_section", elements: [{ type: "text", text }] };
  return { type: "rich_text", elements: [section] };
}

export function richInput(element, field) {
  return entry(
    element,
    field,
    { rows: 4 },
    {
      multiline: true,
      toState: (value) => ({ rich_text_value: richValue(value) }),
      fromState: (state) => (state.rich_text_value ? words(state.rich_text_value) : ""),
    },
  );
}

const twoDigits = (number) => String(number).padStart(2, "0");

function localMinute(seconds) {
  const at = new Date(seconds * 1000);
  const date = [at.getFullYear(), twoDigits(at.getMonth() + 1), twoDigits(at.getDate())].join("-");
  return `${date}T${twoDigits(at.getHours())}:${twoDigits(at.getMinutes())}`;
}

const asIs = (value) => value;

// element type -> input type, state key, and the conversions between the two
const MOMENTS = {
  datepicker: { type: "date", key: "selected_date", read: asIs, write: asIs },
  timepicker: { type: "time", key: "selected_time", read: asIs, write: asIs },
  datetimepicker: {
    type: "datetime-local",
    key: "selected_date_time",
    read: (value) => Date.parse(value) / 1000,
    write: localMinute,
  },
};

export function moment(element, field) {
  const { type, key, read, write } = MOMENTS[element.type];
  const held = field.state()[key];
  let timer = null;
  const node = el("input", {
    type,
    class: "text-input moment",
    "aria-label": field.name || plain(element.placeholder) || "Date",
    "aria-describedby": field.describedBy,
    "data-focus": field.focus,
    "data-action-id": element.action_id,
    onchange: () => {
      const choice = { [key]: node.value ? read(node.value) : null };
      field.set(choice);
      clearTimeout(timer);
      // A year being typed is a date at every digit.
      if (!/^0/.test(node.value))
        timer = setTimeout(() => field.fire(choice, node), MARK_DATE_AFTER_MS);
    },
  });
  node.value = held ? write(held) : "";
  return node;
}

function readFile(file) {
  return new Promise((resolve, reject) => {
    const reader = new FileReader();
    reader.onload = () =>
      resolve({
        name: file.name,
        mimetype: file.type || "application/octet-stream",
        size: file.size,
        content_base64: reader.result.split(",")[1] ?? "",
      });
    reader.onerror = () => reject(reader.error);
    reader.readAsDataURL(file);
  });
}

const fileChip = (name) => el("span", { class: "chip", dir: "auto" }, icon("file", 14), name);

export function fileInput(element, field) {
  const most = element.max_files ?? 10;
  const status = el("p", { class: "file-list", "aria-live": "polite" });
  const show = () =>
    status.replaceChildren(...field.state().files.map((file) => fileChip(file.name)));
  const node = el("input", {
    type: "file",
    multiple: most > 1,
    accept: element.filetypes?.map((type) => `.${type}`).join(",") || null,
    "aria-label": field.name || "File",
    "aria-describedby": field.describedBy,
    "data-focus": field.focus,
    "data-action-id": element.action_id,
    onchange: async () => {
      const files = await Promise.all([...node.files].slice(0, most).map(readFile));
      field.set({ files });
      show();
    },
  });
  show();
  return el("div", { class: "file-input" }, node, status);
}
