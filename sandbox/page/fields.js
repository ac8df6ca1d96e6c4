// What people have entered: kept by message or view, apart from the DOM, so that a redraw loses nothing.

const entered = new Map();

const optionKey = (option) => option?.value ?? option?.text?.text;
const optionsOf = (element) =>
  element.options ?? element.option_groups?.flatMap((group) => group.options) ?? [];

const chosen = (key, initial) => (element) => ({ [key]: element[initial] ?? null });
const chosenList = (key, initial) => (element) => ({ [key]: element[initial] ?? [] });
const typed = (element) => ({ value: element.initial_value ?? null });

// element type -> its state before anybody touched it, in the shape of view.state.values
const INITIAL = {
  plain_text_input: typed,
  email_text_input: typed,
  url_text_input: typed,
  number_input: typed,
  rich_text_input: (element) => ({ rich_text_value: element.initial_value ?? null }),
  checkboxes: chosenList("selected_options", "initial_options"),
  radio_buttons: chosen("selected_option", "initial_option"),
  static_select: chosen("selected_option", "initial_option"),
  external_select: chosen("selected_option", "initial_option"),
  users_select: chosen("selected_user", "initial_user"),
  conversations_select: chosen("selected_conversation", "initial_conversation"),
  channels_select: chosen("selected_channel", "initial_channel"),
  multi_static_select: chosenList("selected_options", "initial_options"),
  multi_external_select: chosenList("selected_options", "initial_options"),
  multi_users_select: chosenList("selected_users", "initial_users"),
  multi_conversations_select: chosenList("selected_conversations", "initial_conversations"),
  multi_channels_select: chosenList("selected_channels", "initial_channels"),
  datepicker: chosen("selected_date", "initial_date"),
  timepicker: chosen("selected_time", "initial_time"),
  datetimepicker: chosen("selected_date_time", "initial_date_time"),
  file_input: () => ({ files: [] }),
};

const OFFERED = new Set(["checkboxes", "radio_buttons", "static_select", "multi_static_select"]);

/** A choice made before a redraw counts only while it is still on offer. */
function stillOffered(element, state) {
  if (!OFFERED.has(element.type)) return state;
  const offered = new Set(optionsOf(element).map(optionKey));
  if (state.selected_options) {
    return {
      ...state,
      selected_options: state.selected_options.filter((option) => offered.has(optionKey(option))),
    };
  }
  return state.selected_option && !offered.has(optionKey(state.selected_option)) ? null : state;
}

const slot = (blockId, element) => `${blockId}\n${element.action_id}`;

/**
 * The state object of one element of a message or view (`container`): as entered here, else as the
 * server remembers it (`known`, the view's state.values), else as it was drawn.
 */
export function stateOf(container, blockId, element, known = {}) {
  const kept =
    entered.get(container)?.get(slot(blockId, element)) ?? known[blockId]?.[element.action_id];
  const state = kept && kept.type === element.type ? stillOffered(element, kept) : null;
  return state ?? { type: element.type, ...INITIAL[element.type](element) };
}

export function enter(container, blockId, element, state) {
  if (!entered.has(container)) entered.set(container, new Map());
  entered.get(container).set(slot(blockId, element), { type: element.type, ...state });
}

export function forget(container) {
  entered.delete(container);
}

function elementsOf(block) {
  if (block.type === "input") return [block.element];
  if (block.type === "section") return block.accessory ? [block.accessory] : [];
  return block.type === "actions" ? block.elements : [];
}

/** Every element that holds a state, with its block: [{block, element}]. */
export function stateful(blocks) {
  return (blocks ?? [])
    .flatMap((block) => [block, ...(block.child_blocks ?? [])])
    .flatMap((block) => elementsOf(block).map((element) => ({ block, element })))
    .filter(({ element }) => element.type in INITIAL);
}

/** `state.values` as Slack sends it: {block_id: {action_id: state}}. */
export function collect(container, blocks, known) {
  const values = {};
  for (const { block, element } of stateful(blocks)) {
    values[block.block_id] ??= {};
    values[block.block_id][element.action_id] = stateOf(container, block.block_id, element, known);
  }
  return values;
}

function valueOf(state) {
  return Object.entries(state).find(([key]) => key !== "type")[1];
}

const isEmpty = (value) =>
  value === null || value === "" || (Array.isArray(value) && !value.length);

const EMAIL = /^[^\s@]+@[^\s@]+\.[^\s@]+$/;

function isUrl(value) {
  return URL.canParse(value) && /^https?:/.test(value);
}

// [applies to, is wrong, words]
const CHECKS = [
  [
    "plain_text_input",
    (e, v) => e.min_length && v.length < e.min_length,
    (e) => `Please enter at least ${e.min_length} characters.`,
  ],
  [
    "plain_text_input",
    (e, v) => e.max_length && v.length > e.max_length,
    (e) => `Please enter at most ${e.max_length} characters.`,
  ],
  ["email_text_input", (_, v) => !EMAIL.test(v), () => "Please enter a valid email address."],
  ["url_text_input", (_, v) => !isUrl(v), () => "Please enter a valid URL."],
  ["number_input", (_, v) => !/^-?\d+(\.\d+)?$/.test(v), () => "Please enter a number."],
  [
    "number_input",
    (e, v) => !e.is_decimal_allowed && !/^-?\d+$/.test(v),
    () => "Please enter a whole number.",
  ],
  [
    "number_input",
    (e, v) => e.min_value !== undefined && Number(v) < Number(e.min_value),
    (e) => `Please enter a number no smaller than ${e.min_value}.`,
  ],
  [
    "number_input",
    (e, v) => e.max_value !== undefined && Number(v) > Number(e.max_value),
    (e) => `Please enter a number no larger than ${e.max_value}.`,
  ],
];

function problem(block, element, state) {
  const value = valueOf(state);
  if (isEmpty(value)) return block.optional ? null : "Please complete this required field.";
  const failed = CHECKS.find(([type, wrong]) => type === element.type && wrong(element, value));
  return failed ? failed[2](element) : null;
}

/** What Slack's client itself refuses before sending: {block_id: words}. */
export function problems(container, blocks, known) {
  const found = {};
  for (const { block, element } of stateful(blocks).filter((one) => one.block.type === "input")) {
    const words = problem(block, element, stateOf(container, block.block_id, element, known));
    if (words) found[block.block_id] = words;
  }
  return found;
}
