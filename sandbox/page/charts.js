// `data_visualization` blocks: line, bar, area and pie, as SVG with the figures in words beside it.

import { el, svg } from "./dom.js";

const COLOURS = [
  "#1264a3",
  "#e8912d",
  "#2bac76",
  "#cd2553",
  "#7c4dbe",
  "#0f7f8c",
  "#b07c00",
  "#5b6b8c",
  "#d1568b",
  "#3d8b3d",
  "#8a5a44",
  "#616061",
];
const WIDTH = 560;
const HEIGHT = 260;
const BOX = { left: 56, right: 12, top: 14, bottom: 46 };
const INNER = { width: WIDTH - BOX.left - BOX.right, height: HEIGHT - BOX.top - BOX.bottom };

const compact = new Intl.NumberFormat(undefined, { notation: "compact", maximumFractionDigits: 1 });
const exact = new Intl.NumberFormat(undefined, { maximumFractionDigits: 4 });

const colour = (index) => COLOURS[index % COLOURS.length];
const text = (x, y, words, props = {}) => svg("text", { x, y, ...props }, words);
const titled = (node, words) => {
  node.append(svg("title", {}, words));
  return node;
};

function step(span) {
  const raw = span / 4 || 1;
  const power = 10 ** Math.floor(Math.log10(raw));
  return [1, 2, 2.5, 5, 10].find((factor) => factor * power >= raw) * power;
}

/** Round gridline values that cover all figures and zero. */
function ticks(values) {
  const low = Math.min(0, ...values);
  const high = Math.max(0, ...values);
  const size = step(high - low);
  const first = Math.floor(low / size);
  const count = Math.max(1, Math.ceil(high / size) - first);
  return Array.from({ length: count + 1 }, (_, index) => (first + index) * size);
}

function axes(chart, grid, y) {
  const { x_label: xLabel, y_label: yLabel } = chart.axis_config ?? {};
  const lines = grid.flatMap((value) => [
    svg("line", {
      class: value === 0 ? "axis" : "gridline",
      x1: BOX.left,
      x2: WIDTH - BOX.right,
      y1: y(value),
      y2: y(value),
    }),
    text(BOX.left - 6, y(value) + 4, compact.format(value), { "text-anchor": "end" }),
  ]);
  const middle = BOX.top + INNER.height / 2;
  return [
    ...lines,
    xLabel &&
      text(BOX.left + INNER.width / 2, HEIGHT - 4, xLabel, {
        "text-anchor": "middle",
        class: "axis-name",
      }),
    yLabel &&
      text(12, middle, yLabel, {
        "text-anchor": "middle",
        class: "axis-name",
        transform: `rotate(-90 12 ${middle})`,
      }),
  ];
}

const clip = (words, length) => (words.length > length ? `${words.slice(0, length - 1)}…` : words);

const LETTER = 6.5;
const LONGEST = 12;

/** As many of the labels as stand beside each other uncut. */
function categoryLabels(categories, x) {
  const each = INNER.width / categories.length / LETTER;
  const longest = Math.max(...categories.map((name) => Math.min(name.length, LONGEST)));
  const every = Math.ceil((longest + 1) / each);
  const room = Math.floor(each * every);
  return categories.map((name, index) =>
    index % every
      ? null
      : titled(
          text(x(index), HEIGHT - BOX.bottom + 17, clip(name, room), { "text-anchor": "middle" }),
          name,
        ),
  );
}

function bars(series, categories, x, y) {
  const band = (INNER.width / categories.length) * 0.7;
  const width = Math.min(44, band / series.length);
  return series.flatMap((one, index) =>
    categories.map((name, place) => {
      const value = one.values[place];
      const left = x(place) - (width * series.length) / 2 + index * width;
      const bar = svg("rect", {
        x: left + 1,
        width: Math.max(1, width - 2),
        rx: 2,
        fill: colour(index),
        y: Math.min(y(value), y(0)),
        height: Math.abs(y(value) - y(0)),
      });
      return titled(bar, `${one.name}, ${name}: ${exact.format(value)}`);
    }),
  );
}

function lines(series, categories, x, y, filled) {
  return series.flatMap((one, index) => {
    const points = one.values.map((value, place) => `${x(place)},${y(value)}`);
    const area = `${x(0)},${y(0)} ${points.join(" ")} ${x(points.length - 1)},${y(0)}`;
    return [
      filled && svg("polygon", { points: area, fill: colour(index), "fill-opacity": 0.18 }),
      svg("polyline", {
        points: points.join(" "),
        fill: "none",
        stroke: colour(index),
        "stroke-width": 2.5,
        "stroke-linejoin": "round",
      }),
      one.values.map((value, place) =>
        titled(
          svg("circle", { cx: x(place), cy: y(value), r: 3.5, fill: colour(index) }),
          `${one.name}, ${categories[place]}: ${exact.format(value)}`,
        ),
      ),
    ];
  });
}

function cartesian(chart) {
  const categories =
    chart.axis_config?.categories ?? chart.series[0].data.map((point) => point.label);
  const series = chart.series.map((one) => {
    const byLabel = new Map(one.data.map((point) => [point.label, Number(point.value)]));
    return { name: one.name, values: categories.map((name) => byLabel.get(name) ?? 0) };
  });
  const grid = ticks(series.flatMap((one) => one.values));
  const x = (place) => BOX.left + (INNER.width * (place + 0.5)) / categories.length;
  const y = (value) => BOX.top + INNER.height * (1 - (value - grid[0]) / (grid.at(-1) - grid[0]));
  const marks =
    chart.type === "bar"
      ? bars(series, categories, x, y)
      : lines(series, categories, x, y, chart.type === "area");
  return {
    drawing: [axes(chart, grid, y), categoryLabels(categories, x), marks],
    names: series.map((one) => one.name),
    head: [chart.axis_config?.x_label ?? "", ...series.map((one) => one.name)],
    rows: categories.map((name, place) => [
      name,
      ...series.map((one) => exact.format(one.values[place])),
    ]),
  };
}

function slice(from, to, fill) {
  const [cx, cy, r] = [WIDTH / 2, HEIGHT / 2, HEIGHT / 2 - 12];
  if (to - from > 0.9999) return svg("circle", { cx, cy, r, fill });
  const at = (part) =>
    `${cx + r * Math.sin(2 * Math.PI * part)} ${cy - r * Math.cos(2 * Math.PI * part)}`;
  return svg("path", {
    fill,
    class: "slice",
    d: `M${cx} ${cy}L${at(from)}A${r} ${r} 0 ${to - from > 0.5 ? 1 : 0} 1 ${at(to)}Z`,
  });
}

function pie(chart) {
  const total = chart.segments.reduce((sum, segment) => sum + Number(segment.value), 0);
  let start = 0;
  const share = (value) => `${((100 * value) / total).toFixed(1)} %`;
  const drawing = chart.segments.map((segment, index) => {
    const end = start + Number(segment.value) / total;
    const node = titled(
      slice(start, end, colour(index)),
      `${segment.label}: ${exact.format(segment.value)} (${share(segment.value)})`,
    );
    start = end;
    return node;
  });
  return {
    drawing,
    names: chart.segments.map((segment) => `${segment.label} · ${share(segment.value)}`),
    head: ["", "Value", "Share"],
    rows: chart.segments.map((segment) => [
      segment.label,
      exact.format(segment.value),
      share(segment.value),
    ]),
  };
}

function legend(names) {
  return el(
    "ul",
    { class: "legend" },
    names.map((name, index) => {
      const swatch = el("span", { class: "swatch" });
      swatch.style.backgroundColor = colour(index);
      return el("li", {}, swatch, name);
    }),
  );
}

function figures({ head, rows }) {
  return el(
    "details",
    { class: "chart-figures" },
    el("summary", {}, "Show the figures"),
    el(
      "div",
      { class: "table-scroll" },
      el(
        "table",
        { class: "grid" },
        el(
          "thead",
          {},
          el(
            "tr",
            {},
            head.map((name) => el("th", { scope: "col" }, name)),
          ),
        ),
        el(
          "tbody",
          {},
          rows.map(([name, ...values]) =>
            el(
              "tr",
              {},
              el("th", { scope: "row" }, name),
              values.map((value) => el("td", { class: "align-right" }, value)),
            ),
          ),
        ),
      ),
    ),
  );
}

/** A chart with its title, legend and figures. */
export function chart(block) {
  const drawn = block.chart.type === "pie" ? pie(block.chart) : cartesian(block.chart);
  return el(
    "figure",
    { class: "chart" },
    el("figcaption", { dir: "auto" }, block.title),
    svg(
      "svg",
      {
        viewBox: `0 0 ${WIDTH} ${HEIGHT}`,
        role: "img",
        "aria-label": `${block.chart.type} chart: ${block.title}`,
      },
      drawn.drawing,
    ),
    drawn.names.length > 1 || block.chart.type === "pie" ? legend(drawn.names) : null,
    figures(drawn),
  );
}
