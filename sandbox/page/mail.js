// The e-mails the sandbox has caught: nothing here ever left the machine.

import { toSidebar } from "./conversation.js";
import { el, icon, reconcile } from "./dom.js";
import { store } from "./state.js";

const when = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "short" });

function dateWords(date) {
  const at = typeof date === "number" ? new Date(date * 1000) : new Date(date);
  return Number.isNaN(at.getTime()) ? String(date ?? "") : when.format(at);
}

const addresses = (value) => (Array.isArray(value) ? value.join(", ") : (value ?? ""));

const UNITS = [
  ["MB", 1024 * 1024],
  ["kB", 1024],
];

function sizeWords(bytes) {
  const [unit, size] = UNITS.find(([, least]) => bytes >= least) ?? ["bytes", 1];
  return `${(bytes / size).toLocaleString(undefined, { maximumFractionDigits: 1 })} ${unit}`;
}

const OPENED = new Set(["application/pdf"]);

/** What the browser can show opens beside the page; everything else is saved. */
function attachment(one, index, letter) {
  const name = one.filename || "attachment";
  const opens = OPENED.has(one.content_type);
  return el(
    "a",
    {
      class: "attachment-link",
      href: `/_page/mail/${encodeURIComponent(letter.id)}/attachments/${index}`,
      dir: "auto",
      ...(opens ? { target: "_blank", rel: "noopener" } : { download: name }),
    },
    icon("file"),
    name,
    el("span", { class: "quiet" }, ` · ${sizeWords(one.size)}`),
  );
}

/** An attachment of text, to be read in place. */
function document(one) {
  return el(
    "details",
    { class: "attachment-text", open: true },
    el("summary", { dir: "auto" }, one.filename ?? "attachment"),
    el("pre", { class: "letter-text", dir: "auto" }, one.text),
  );
}

const PLAIN_LOOK = "<style>body { font: 15px/1.5 sans-serif }</style>";

/** HTML of a letter stays in a frame that may run and load nothing; its links open elsewhere. */
function body(letter) {
  if (!letter.html) return el("pre", { class: "letter-text", dir: "auto" }, letter.text ?? "");
  const policy = "default-src 'none'; style-src 'unsafe-inline'; img-src data:";
  const head = `<meta http-equiv="Content-Security-Policy" content="${policy}"><base target="_blank">${PLAIN_LOOK}`;
  const frame = el("iframe", {
    class: "letter-frame",
    title: letter.subject || "E-mail",
    sandbox: "allow-popups allow-popups-to-escape-sandbox",
    srcdoc: head + letter.html,
  });
  if (!letter.text) return frame;
  return [
    frame,
    el(
      "details",
      {},
      el("summary", {}, "Plain text"),
      el("pre", { class: "letter-text", dir: "auto" }, letter.text),
    ),
  ];
}

function headers(letter) {
  return el(
    "details",
    { class: "letter-headers" },
    el("summary", {}, "Headers"),
    el(
      "dl",
      {},
      letter.headers.map(([name, value]) => [
        el("dt", {}, name),
        el("dd", { dir: "auto" }, value),
      ]),
    ),
  );
}

function reading(letter, back) {
  if (!letter) return el("p", { class: "beginning quiet" }, "Choose an e-mail to read it.");
  const line = (name, value) =>
    value ? el("div", { dir: "auto" }, el("span", { class: "quiet" }, `${name} `), value) : null;
  return el(
    "article",
    { class: "letter" },
    el("button", { type: "button", class: "button small to-letters", onclick: back }, "All mail"),
    el("h2", { dir: "auto" }, letter.subject || "(no subject)"),
    line("From", addresses(letter.from)),
    line("To", addresses(letter.to)),
    el("div", { class: "quiet" }, dateWords(letter.date)),
    headers(letter),
    letter.attachments?.length
      ? el(
          "div",
          { class: "attachments" },
          letter.attachments.map((one, index) => attachment(one, index, letter)),
        )
      : null,
    body(letter),
    (letter.attachments ?? []).filter((one) => one.text !== undefined).map(document),
  );
}

export class Mail {
  constructor() {
    this.open = null;
    this.list = el("div", { class: "letters", role: "list", "aria-label": "E-mails" });
    this.reader = el("div", { class: "reader" });
    this.columns = el("div", { class: "mail-columns" }, this.list, this.reader);
    this.node = el(
      "main",
      { class: "pane mail" },
      el(
        "header",
        { class: "pane-head" },
        toSidebar(),
        el("h1", {}, icon("mail"), "Mail"),
        el("span", { class: "topic quiet" }, "E-mails caught by the sandbox; none was really sent"),
      ),
      this.columns,
    );
  }

  choose(id) {
    this.open = id;
    this.render();
  }

  row(letter) {
    const chosen = this.open === letter.id;
    return {
      key: String(letter.id),
      signature: `${chosen}`,
      draw: () =>
        el(
          "div",
          { role: "listitem" },
          el(
            "button",
            {
              type: "button",
              class: "letter-row",
              "aria-current": chosen ? "true" : null,
              "data-focus": `letter ${letter.id}`,
              onclick: () => this.choose(letter.id),
            },
            el(
              "span",
              { class: "letter-top" },
              el("strong", { dir: "auto" }, addresses(letter.to)),
              el("span", { class: "quiet" }, dateWords(letter.date)),
            ),
            el("span", { dir: "auto" }, letter.subject || "(no subject)"),
          ),
        ),
    };
  }

  render() {
    const newestFirst = [...store.mail].reverse();
    const nothing = {
      key: "none",
      signature: "none",
      draw: () =>
        el(
          "p",
          { class: "beginning quiet" },
          "No e-mail has been sent yet. Approved bills that are sent arrive here.",
        ),
    };
    const older = (store.snapshot?.mail ?? 0) - newestFirst.length;
    const more = {
      key: "more",
      signature: String(older),
      draw: () => el("p", { class: "beginning quiet" }, `${older} older ones are not shown.`),
    };
    reconcile(this.list, [
      ...newestFirst.map((letter) => this.row(letter)),
      ...(newestFirst.length ? [] : [nothing]),
      ...(newestFirst.length && older > 0 ? [more] : []),
    ]);
    const letter = store.mail.find((one) => one.id === this.open) ?? null;
    this.columns.classList.toggle("is-reading", Boolean(letter));
    reconcile(this.reader, [
      {
        key: "reader",
        signature: JSON.stringify(letter),
        draw: () => reading(letter, () => this.choose(null)),
      },
    ]);
  }
}
