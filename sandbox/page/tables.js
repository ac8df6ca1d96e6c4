// `table` and `data_table` blocks.

import { el, iconButton } from "./dom.js";
import { richText } from "./richtext.js";

const number = new Intl.NumberFormat();

function content(cell) {
  if (cell.type === "rich_text") return richText(cell);
  return cell.text ?? (cell.value === undefined ? "" : number.format(cell.value));
}

function cellNode(tag, cell, settings = {}, props = {}) {
  const align = settings.align ?? (cell.type === "raw_number" ? "right" : "left");
  const classes = `align-${align}${settings.is_wrapped === false ? " no-wrap" : ""}`;
  return el(tag, { class: classes, dir: "auto", ...props }, content(cell));
}

/** A `table` block: the first row is drawn as the heading. */
export function table(block) {
  const settings = block.column_settings ?? [];
  const [head, ...body] = block.rows;
  const row = (tag, props) => (cells) =>
    el("tr", {}, cells.map((cell, column) => cellNode(tag, cell, settings[column] ?? {}, props)));
  return el("div", { class: "table-scroll", tabindex: "0", role: "region", "aria-label": "Table" },
    el("table", { class: "grid" },
      el("thead", {}, row("th", { scope: "col" })(head)),
      el("tbody", {}, body.map(row("td")))));
}

function sortKey(cell) {
  if (cell.type === "raw_number") return Number(cell.value);
  const words = typeof content(cell) === "string" ? content(cell) : content(cell).textContent;
  const value = Number(words.replace(/[^\d.eE-]/g, ""));
  return /\d/.test(words) && Number.isFinite(value) && /^[^\p{L}]*$/u.test(words) ? value : words;
}

function compare(left, right) {
  if (typeof left === "number" && typeof right === "number") return left - right;
  return String(left).localeCompare(String(right), undefined, { numeric: true });
}

function sorted(rows, { column, down }) {
  if (column === null) return rows;
  const order = (a, b) => compare(sortKey(a[column]), sortKey(b[column]));
  return [...rows].sort(down ? (a, b) => order(b, a) : order);
}

const ARIA_SORT = { true: "descending", false: "ascending" };

function headCell(cell, column, sort, onsort) {
  const chosen = sort.column === column;
  const mark = chosen ? (sort.down ? " ↓" : " ↑") : "";
  return cellNode("th", { type: "rich_text", elements: [] }, {}, {
    scope: "col",
    "aria-sort": chosen ? ARIA_SORT[sort.down] : null,
  }).appendChild(el("button", { type: "button", class: "sort", title: "Sort", onclick: () => onsort(column) }, content(cell), mark)).parentNode;
}

function pager(page, pages, turn) {
  if (pages < 2) return null;
  return el("div", { class: "pager" },
    iconButton("back", "Previous page", () => turn(page - 1), { disabled: page === 0 }),
    el("span", { "aria-live": "polite" }, `Page ${page + 1} of ${pages}`),
    iconButton("right", "Next page", () => turn(page + 1), { disabled: page === pages - 1 }));
}

/** A `data_table` block: caption, sorting by a click on a heading, pages. */
export function dataTable(block) {
  const [head, ...rows] = block.rows;
  const size = block.page_size ?? 5;
  const pages = Math.ceil(rows.length / size);
  const node = el("div", { class: "data-table" });
  const view = { page: 0, column: null, down: false };
  const bodyCell = (cell, column) =>
    column === block.row_header_column_index ? cellNode("th", cell, {}, { scope: "row" }) : cellNode("td", cell);

  const onsort = (column) => {
    view.down = view.column === column && !view.down;
    Object.assign(view, { column, page: 0 });
    draw();
  };
  const turn = (page) => {
    view.page = page;
    draw();
  };
  const draw = () => {
    const shown = sorted(rows, view).slice(view.page * size, (view.page + 1) * size);
    node.replaceChildren(
      el("div", { class: "table-scroll", tabindex: "0", role: "region", "aria-label": block.caption },
        el("table", { class: "grid" },
          el("caption", { dir: "auto" }, block.caption),
          el("thead", {}, el("tr", {}, head.map((cell, column) => headCell(cell, column, view, onsort)))),
          el("tbody", {}, shown.map((row) => el("tr", {}, row.map(bodyCell)))))),
      pager(view.page, pages, turn) ?? "");
  };
  draw();
  return node;
}
