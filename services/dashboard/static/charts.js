// Lines over the last minutes; a missing value is a hole, never a line across it.
import { signed } from "./format.js";

const POINTS = 900, LINES = 6, HEIGHT = 190;
const STEPS_S = [1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600];
const dark = matchMedia("(prefers-color-scheme: dark)");
const colour = name => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
export const lineColour = at => colour(`--line-${at % LINES + 1}`);

export class Chart {
  constructor(figure, { height = HEIGHT, colours = lineColour, bps = false } = {}) {
    this.place = figure.querySelector(".plot");
    this.height = height;
    this.colours = colours;
    this.bps = bps;
    this.names = [];
    this.times = [];
    this.values = new Map();
    this.plot = null;
    new ResizeObserver(() => this.plot?.setSize({ width: this.place.clientWidth, height })).observe(this.place);
    dark.addEventListener("change", () => this.build());
  }

  // Begin with what was before this page was opened: [[ts, value], ...] of each name.
  begin(history) {
    const times = new Set(Object.values(history).flat().map(([ts]) => ts));
    this.times = [...times].sort((a, b) => a - b);
    this.names = Object.keys(history);
    for (const name of this.names) {
      const known = new Map(history[name]);
      this.values.set(name, this.times.map(ts => known.get(ts) ?? null));
    }
    this.build();
  }

  add(ts, values) {
    if (ts <= (this.times.at(-1) ?? 0)) return;
    this.times.push(ts);
    const isNew = Object.keys(values).some(name => !this.values.has(name));
    for (const name of Object.keys(values)) if (!this.values.has(name)) { this.names.push(name); this.values.set(name, Array(this.times.length - 1).fill(null)); }
    for (const name of this.names) this.values.get(name).push(values[name] ?? null);
    const over = this.times.length - POINTS;
    if (over > 0) for (const line of [this.times, ...this.values.values()]) line.splice(0, over);
    if (isNew || !this.plot) this.build(); else this.plot.setData(this.data());
  }

  forget(names) {
    const gone = this.names.filter(name => !names.includes(name));
    if (!gone.length) return;
    for (const name of gone) this.values.delete(name);
    this.names = this.names.filter(name => names.includes(name));
    this.build();
  }

  data() {
    return [this.times.map(ts => ts / 1e9), ...this.names.map(name => this.values.get(name))];
  }

  build() {
    this.plot?.destroy();
    if (!this.names.length) { this.plot = null; return; }
    const axis = { stroke: colour("--dim"), grid: { stroke: colour("--grid"), width: 1 }, ticks: { stroke: colour("--grid"), width: 1 }, font: "12px system-ui, sans-serif" };
    const times = (_, splits, __, ___, step) => splits.map(at => new Date(at * 1e3).toISOString().slice(11, step < 60 ? 19 : 16));
    const format = (_, splits) => splits.map(at => this.bps ? signed(at, splits.length > 1 && splits[1] - splits[0] < 1 ? 1 : 0) : at.toLocaleString("en"));
    this.plot = new uPlot({
      width: this.place.clientWidth, height: this.height, legend: { show: false }, cursor: { y: false, points: { size: 6 } },
      scales: { y: { range: (_, low, high) => range(low, high, this.bps) } },
      series: [{}, ...this.names.map((name, at) => ({ label: name, stroke: this.colours(at), width: 1.75, spanGaps: false, points: { show: false } }))],
      axes: [{ ...axis, values: times, incrs: STEPS_S, space: 90, size: 32 }, { ...axis, values: format, size: 58 }],
    }, this.data(), this.place);
  }
}

function range(low, high, mayBeBelow) {
  if (low === null || high === null) return [0, 1];
  const room = Math.max((high - low) * 0.15, Math.abs(high) * 0.02, 0.1);
  return [mayBeBelow ? low - room : Math.max(0, low - room), high + room];
}
