// The app's Home tab.

import { drawBlocks } from "./blocks.js";
import { renderHead } from "./conversation.js";
import { el, reconcile } from "./dom.js";
import { avatar } from "./people.js";
import { botName, nameOf, store } from "./state.js";

export class Home {
  constructor() {
    this.head = el("header", { class: "pane-head" });
    this.body = el("div", { class: "home-body" });
    this.node = el(
      "main",
      { class: "pane home" },
      this.head,
      el("div", { class: "scroller" }, this.body),
    );
  }

  draw(view) {
    if (!view)
      return el(
        "p",
        { class: "beginning quiet" },
        `${botName()} has not drawn ${nameOf(store.snapshot.me)}'s Home yet.`,
      );
    return drawBlocks(view.blocks ?? [], {
      container: `v:${view.id}`,
      address: { view_id: view.id },
      state: view.state?.values,
    });
  }

  render() {
    const { views, bot } = store.snapshot;
    const view = views?.home ?? null;
    const name = el("span", {}, botName());
    renderHead(this.head, el("h1", {}, avatar(bot?.id ?? "", "small"), name), null, true);
    reconcile(this.body, [
      {
        key: view?.id ?? "none",
        signature: JSON.stringify([store.place.user, view?.id, view?.blocks]),
        draw: () => this.draw(view),
      },
    ]);
  }
}
