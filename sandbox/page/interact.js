// A click on its way to the app: confirmed if need be, sent once, and said so when it fails.

import { post } from "./api.js";
import { collect } from "./fields.js";
import { confirm } from "./popup.js";
import { botName, refresh, store } from "./state.js";

// A double click must not count twice even when the app answers between its two halves.
const QUIET_MS = 700;

const pending = new Set();
const NOT_SENT = ["options", "option_groups", "confirm", "visible_to_user_ids"];

function payloadOf(context, element, blockId, choice) {
  const action = Object.fromEntries(
    Object.entries(element).filter(
      ([key]) => !NOT_SENT.includes(key) && !key.startsWith("initial_"),
    ),
  );
  return {
    user: store.place.user,
    ...context.address,
    action: { ...action, ...choice, block_id: blockId },
    values: collect(context.container, context.blocks(), context.state),
  };
}

async function send(payload) {
  const quiet = new Promise((resolve) => setTimeout(resolve, QUIET_MS));
  const answer = await post("/_control/interact", payload);
  const refreshed = refresh({ snapshot: true, channels: payload.channel ? [payload.channel] : [] });
  await Promise.all([quiet, refreshed]);
  return answer;
}

/**
 * Send one element's action. Ignored while the same element is on its way; `false` when it was
 * ignored, declined in its confirm dialog, or failed.
 */
export async function interact(context, element, blockId, choice = {}, node = null) {
  const key = [context.container, blockId, element.action_id, element.value].join("\n");
  if (pending.has(key)) return false;
  pending.add(key);
  try {
    if (element.confirm && !(await confirm(element.confirm, node))) return false;
    context.fail(null);
    node?.setAttribute("aria-busy", "true");
    const answer = await send(payloadOf(context, element, blockId, choice));
    if (answer.ok === false) context.fail(`${botName()} failed to respond: ${answer.error}`);
    return answer.ok !== false;
  } finally {
    node?.removeAttribute("aria-busy");
    pending.delete(key);
  }
}
