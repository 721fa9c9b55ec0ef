// Draws the chart over the picture, which remains for paper and for browsers without scripts.
{
  const data = [/*data*/], names = [/*names*/], place = document.getElementById("chart");
  const probe = document.body.appendChild(document.createElement("i"));
  probe.hidden = true;
  const style = name => { probe.style.color = `var(${name})`; return getComputedStyle(probe).color; };  // a canvas does not follow light and dark
  const [first, last] = [data[0][0], data[0].at(-1)], least = Math.max((last - first) / 200, 2);
  const isLong = last - first > 2 * 86400;
  const clock = (_, ticks) => ticks.map(ts => new Date(ts * 1e3).toISOString().slice(...isLong ? [5, 10] : ticks[1] - ticks[0] < 60 ? [11, 19] : [11, 16]));
  const signed = value => value == null ? "–" : (value < 0 ? "−" : "+") + Math.abs(value).toFixed(1);
  const narrow = matchMedia("(max-width:34rem)");
  let chart, shown = data;
  function draw() {
    const range = chart ? {min: chart.scales.x.min, max: chart.scales.x.max} : null;
    chart?.destroy();
    const line = {stroke: style("--line"), width: 1}, axis = {stroke: style("--soft"), grid: line, ticks: line, font: "12px system-ui, sans-serif"};
    chart = new uPlot({
      width: place.clientWidth, height: narrow.matches ? 260 : 340, tzDate: ts => uPlot.tzDate(new Date(ts * 1e3), "UTC"),
      cursor: {points: {size: 6}, y: false}, legend: {live: true},
      scales: {x: {time: true}, y: {range: (_, low, high) => low == null ? [0, 1] : [Math.min(low, 0) - (high - low || 1) * .06, Math.max(high, 0) + (high - low || 1) * .06]}},
      axes: [{...axis, values: clock, space: 70}, {...axis, size: 52, values: (_, ticks) => ticks.map(value => value < 0 ? `−${-value}` : `${value}`)}],
      series: [{label: "UTC", value: (_, ts) => ts == null ? "–" : new Date(ts * 1e3).toISOString().slice(5, 19).replace("T", " ")}, ...names.map((label, at) => ({
        label, stroke: style("--series-" + at), width: at ? 1.25 : 2, spanGaps: false, points: {show: false}, value: (_, value) => signed(value),
      }))],
      hooks: {setScale: [(self, key) => { if (key === "x") place.dataset.shown = `${self.scales.x.min} ${self.scales.x.max}`; }], drawAxes: [self => {  // the line above which an edge pays
        const y = Math.round(self.valToPos(0, "y", true)), ctx = self.ctx;
        ctx.save(); ctx.strokeStyle = style("--soft"); ctx.setLineDash([4, 4]); ctx.beginPath();
        ctx.moveTo(self.bbox.left, y); ctx.lineTo(self.bbox.left + self.bbox.width, y); ctx.stroke(); ctx.restore();
      }]},
    }, shown, place);
    if (range && range.min != null) chart.setScale("x", range);
  }
  function zoom(factor, shift) {
    const {min, max} = chart.scales.x, middle = (min + max) / 2 + shift * (max - min), half = Math.min(Math.max((max - min) * factor, least), last - first) / 2;
    if (2 * half >= last - first) return chart.setScale("x", {min: first, max: last});
    const begin = Math.min(Math.max(middle - half, first), last - 2 * half);
    chart.setScale("x", {min: begin, max: begin + 2 * half});
  }
  // Other fees: an edge is the quotient of proceeds and costs, so fees are a factor.
  const fees = document.getElementById("fees"), inputs = [...fees?.querySelectorAll("input") ?? []];
  function kept() {  // of each way, the rest of a unit after fees
    const [a, b] = [inputs[0], inputs.at(-1)].map(input => Math.min(Math.max(Number(input.value) || 0, 0), 50) / 100);
    return fees.dataset.via === undefined ? [(1 - b) / (1 + a), (1 - a) / (1 + b)] : Array(2).fill((1 - a) * (1 - b) / ((1 + a) * (1 + b)));
  }
  function reckon(before, rows) {
    const factors = kept().map((share, way) => share / before[way]), isAsBefore = factors.every(factor => factor === 1);
    shown = isAsBefore ? data : [data[0], data[1], ...data.slice(2).map((edges, way) => edges.map(edge => edge == null ? null : ((1 + edge / 1e4) * factors[way] - 1) * 1e4))];
    rows.forEach(({cells, texts}, way) => {
      const known = shown[way + 2].map((edge, at) => [edge, shown[0][at]]).filter(([edge]) => edge != null), [best, ts] = known.reduce((a, b) => b[0] > a[0] ? b : a);
      const paid = `${(100 * known.filter(([edge]) => edge > 0).length / known.length).toFixed(2)} %`;
      const told = isAsBefore ? texts : [texts[0], signed(best), paid, new Date(ts * 1e3).toISOString().slice(5, 19).replace("T", " "), "–", "–"];
      cells.forEach((cell, at) => { cell.textContent = told[at]; });
    });
    chart.setData(shown, false);
    chart.redraw(true, true);
  }
  const bar = document.getElementById("zoom"), steps = [[2, 0], [.5, 0], [1, -.4], [1, .4], [Infinity, 0]];
  const said = ["Zoom out", "Zoom in", "Earlier", "Later", "The whole span"];
  [...bar.querySelectorAll("button")].forEach((button, at) => { button.setAttribute("aria-label", said[at]); button.onclick = () => zoom(...steps[at]); });
  bar.hidden = false;
  place.classList.add("live");
  draw();
  if (fees) {
    const before = kept(), rows = [...document.querySelectorAll("#ways tbody tr")].map(row => ({cells: [...row.cells], texts: [...row.cells].map(cell => cell.textContent)}));
    for (const input of inputs) input.oninput = () => reckon(before, rows);
    fees.hidden = false;
  }
  let wide = place.clientWidth;
  addEventListener("resize", () => { if (place.clientWidth !== wide) { wide = place.clientWidth; draw(); } });
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", draw);
}
