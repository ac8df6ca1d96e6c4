// Block elements one can click or fill in.

import { checkboxes, radioButtons } from "./choices.js";
import { el, icon } from "./dom.js";
import {
  emailInput,
  fileInput,
  moment,
  numberInput,
  plainText,
  richInput,
  urlInput,
} from "./entries.js";
import { enter, stateOf } from "./fields.js";
import { interact } from "./interact.js";
import { plain, textObject } from "./mrkdwn.js";
import { closePopup, isOpen, openMenu } from "./popup.js";
import { select } from "./select.js";
import { store } from "./state.js";

/** One element's link to its place: what it holds, and how it tells the app. */
function fieldOf(
  context,
  block,
  element,
  { name = "", dispatches = true, describedBy = null, required = false } = {},
) {
  const blockId = block.block_id;
  return {
    blockId,
    name,
    dispatches,
    describedBy,
    required,
    address: context.address,
    focus: `${blockId}/${element.action_id}`,
    state: () => stateOf(context.container, blockId, element, context.state),
    set: (state) => {
      enter(context.container, blockId, element, state);
      context.edited(blockId);
    },
    fire: (choice, node) =>
      dispatches ? interact(context, element, blockId, choice, node) : undefined,
    click: (node, choice) => interact(context, element, blockId, choice, node),
  };
}

function hiddenFrom(element) {
  return element.visible_to_user_ids && !element.visible_to_user_ids.includes(store.snapshot.me);
}

function button(element, field) {
  if (hiddenFrom(element)) return null;
  const label = element.accessibility_label || null;
  return el(
    "button",
    {
      type: "button",
      class: `button ${element.style ?? ""}`,
      "aria-label": label,
      dir: "auto",
      title: label,
      "data-action-id": element.action_id,
      "data-focus": `${field.focus}/${element.value ?? ""}`,
      onclick: (event) => {
        if (element.url) window.open(element.url, "_blank", "noopener");
        field.click(event.currentTarget);
      },
    },
    textObject(element.text),
  );
}

const ICON_BUTTONS = { trash: "trash", edit: "edit", calendar: "calendar" };

function iconButtonElement(element, field) {
  if (hiddenFrom(element)) return null;
  const label = element.accessibility_label || plain(element.text);
  return el(
    "button",
    {
      type: "button",
      class: "icon-button framed",
      "aria-label": label,
      title: label,
      "data-focus": field.focus,
      "data-action-id": element.action_id,
      onclick: (event) => field.click(event.currentTarget),
    },
    icon(ICON_BUTTONS[element.icon] ?? "info", 16),
  );
}

function feedback(element, field) {
  const one = (choice, shape) => {
    const label = choice.accessibility_label || plain(choice.text);
    return el(
      "button",
      {
        type: "button",
        class: "icon-button framed",
        "aria-label": label,
        title: plain(choice.text),
        onclick: (event) => {
          for (const sibling of event.currentTarget.parentNode.children)
            sibling.classList.toggle("chosen", sibling === event.currentTarget);
          field.click(event.currentTarget, { value: choice.value, text: choice.text });
        },
      },
      icon(shape, 16),
    );
  };
  return el(
    "span",
    { class: "feedback", role: "group", "aria-label": "Feedback" },
    one(element.positive_button, "up"),
    one(element.negative_button, "thumb_down"),
  );
}

function overflow(element, field) {
  const trigger = el(
    "button",
    {
      type: "button",
      class: "button overflow",
      "aria-label": "More actions",
      title: "More actions",
      "aria-haspopup": "menu",
      "aria-expanded": "false",
      "data-action-id": element.action_id,
      "data-focus": field.focus,
      onclick: () => {
        if (isOpen(trigger)) return closePopup();
        const items = element.options.map((option) => ({
          label: plain(option.text),
          nodes: textObject(option.text),
          url: option.url,
          pick: () => field.click(trigger, { selected_option: option }),
        }));
        return openMenu(trigger, "More actions", items);
      },
    },
    icon("more"),
  );
  return trigger;
}

function image(element) {
  return el("img", {
    class: "element-image",
    src: imageUrl(element),
    alt: element.alt_text,
    onerror: (event) =>
      event.currentTarget.replaceWith(el("span", { class: "image-missing" }, element.alt_text)),
  });
}

/** Where an image is: anywhere, or a file of this workspace. */
export function imageUrl(holder) {
  if (holder.image_url) return holder.image_url;
  return (
    holder.slack_file?.url ?? `/_page/files/${encodeURIComponent(holder.slack_file?.id ?? "")}`
  );
}

const ELEMENTS = {
  button,
  overflow,
  image,
  workflow_button: button,
  icon_button: iconButtonElement,
  feedback_buttons: feedback,
  checkboxes,
  radio_buttons: radioButtons,
  plain_text_input: plainText,
  email_text_input: emailInput,
  url_text_input: urlInput,
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
