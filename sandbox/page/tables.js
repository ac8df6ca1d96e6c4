// `table` and `data_table` blocks.

import { el, iconButton } from "./dom.js";
import { richText } from "./richtext.js";

const number = new Intl.NumberFormat();

function content(cell) {
  if (cell.type === "rich_text") return richText(cell);
  return cell.text ?? (cell.value === undefined ? "" : number.format(cell.value));
}

function cellNode(tag, cell, { align, is_wrapped: wrapped = true } = {}, props = {}) {
  const side = align ?? (cell.type === "raw_number" ? "right" : "left");
  const classes = `align-${side}${wrapped ? "" : " no-wrap"}`;
  return el(tag, { class: classes, dir: "auto", ...props }, content(cell));
}

/** A `table` block: the first row is drawn as the heading. */
export function table(block) {
  const settings = block.column_settings ?? [];
  const [head, ...body] = block.rows;
  const row = (tag, props) => (cells) =>
    el(
      "tr",
      {},
      cells.map((cell, column) => cellNode(tag, cell, settings[column], props)),
    );
  return el(
    "div",
    { class: "table-scroll", tabindex: "0", role: "region", "aria-label": "Table" },
    el(
      "table",
      { class: "grid" },
      el("thead", {}, row("th", { scope: "col" })(head)),
      el("tbody", {}, body.map(row("td"))),
    ),
  );
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
  const button = { type: "button", class: "sort", title: "Sort", onclick: () => onsort(column) };
  return el(
    "th",
    { scope: "col", dir: "auto", "aria-sort": chosen ? ARIA_SORT[sort.down] : null },
    el("button", button, content(cell), mark),
  );
}

function pager(page, pages, turn) {
  if (pages < 2) return null;
  return el(
    "div",
    { class: "pager" },
    iconButton("back", "Previous page", () => turn(page - 1), { disabled: page === 0 }),
    el("span", { "aria-live": "polite" }, `Page ${page + 1} of ${pages}`),
    iconButton("right", "Next page", () => turn(page + 1), { disabled: page === pages - 1 }),
  );
}

/** A `data_table` block: caption, sorting by a click on a heading, pages. */
class DataTable {
  constructor(block) {
    const [head, ...rows] = block.rows;
    Object.assign(this, { block, head, rows, page: 0, column: null, down: false });
    this.size = block.page_size ?? 5;
    this.node = el("div", { class: "data-table" });
    this.draw();
  }

  sort(column) {
    this.down = this.column === column && !this.down;
    this.column = column;
    this.turn(0);
  }

  turn(page) {
    this.page = page;
    this.draw();
  }

  cell(cell, column) {
    const heads = column === this.block.row_header_column_index;
    return heads ? cellNode("th", cell, {}, { scope: "row" }) : cellNode("td", cell);
  }

  draw() {
    const { caption } = this.block;
    const first = this.page * this.size;
    const shown = sorted(this.rows, this).slice(first, first + this.size);
    const heads = this.head.map((cell, column) =>
      headCell(cell, column, this, (one) => this.sort(one)),
    );
    const body = shown.map((row) =>
      el(
        "tr",
        {},
        row.map((cell, column) => this.cell(cell, column)),
      ),
    );
    const table = el(
      "table",
      { class: "grid" },
      el("caption", { dir: "auto" }, caption),
      el("thead", {}, el("tr", {}, heads)),
      el("tbody", {}, body),
    );
    this.node.replaceChildren(
      el(
        "div",
        { class: "table-scroll", tabindex: "0", role: "region", "aria-label": caption },
        table,
      ),
      pager(this.page, Math.ceil(this.rows.length / this.size), (page) => this.turn(page)) ?? "",
    );
  }
}

export const dataTable = (block) => new DataTable(block).node;
