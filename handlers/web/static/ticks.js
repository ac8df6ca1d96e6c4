// A button that ticks all boxes around it, or none once all of them are.
"use strict";

for (const button of document.querySelectorAll("[data-tick-all]")) {
  const boxes = [...button.closest("fieldset").querySelectorAll("input[type=checkbox]")];
  button.addEventListener("click", () => {
    const are = boxes.every((box) => box.checked);
    for (const box of boxes) box.checked = !are;
  });
  button.hidden = false;
}
