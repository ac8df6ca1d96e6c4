// The bar that says what to type next.

import { el, icon, iconButton, reconcile } from "./dom.js";
import { changed, store } from "./state.js";

const DISMISSED = "countersign-hint-dismissed";

/** The command in a hint: what stands in backquotes, else from the first slash on. */
function commandIn(hint) {
  return /`([^`]+)`/.exec(hint)?.[1] ?? /\/.*/s.exec(hint)?.[0] ?? hint;
}

/** The words before and after the command; a bare command is introduced. */
function around(hint, command) {
  if (hint === command) return ["Try this next: ", ""];
  const at = hint.indexOf(command);
  return [hint.slice(0, at).replace(/`$/, ""), hint.slice(at + command.length).replace(/^`/, "")];
}

function dismiss(hint) {
  sessionStorage.setItem(DISMISSED, hint);
  changed();
}

function bar(hint, use) {
  const command = commandIn(hint);
  const [before, after] = around(hint, command);
  return el(
    "div",
    { class: "hint", role: "note" },
    icon("bulb"),
    el("span", { class: "hint-words", dir: "auto" }, before, el("code", {}, command), after),
    el(
      "button",
      {
        type: "button",
        class: "button small",
        "data-testid": "use-hint",
        onclick: () => use(command),
      },
      "Type it for me",
    ),
    iconButton("close", "Dismiss hint", () => dismiss(hint)),
  );
}

/** Whether a command that was typed is the hint's, its last words perhaps left out. */
const isHinted = (hint) => (typed) =>
  typed.includes(" ") && `${commandIn(hint)} `.startsWith(`${typed} `);

/** Show the snapshot's hint until it is dismissed or has been typed; `use` gets its command. */
export function renderHint(slot, use) {
  const { hint } = store.snapshot;
  const over =
    !hint || [...store.typed].some(isHinted(hint)) || sessionStorage.getItem(DISMISSED) === hint;
  reconcile(slot, over ? [] : [{ key: "hint", signature: hint, draw: () => bar(hint, use) }]);
}
