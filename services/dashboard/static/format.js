// Numbers and times as a person reads them; null and undefined are a dash.
export const NONE = "–";

export function number(value, digits = 0) {
  if (value === null || value === undefined || Number.isNaN(value)) return NONE;
  return value.toLocaleString("en", { minimumFractionDigits: digits, maximumFractionDigits: digits });
}

export function count(value, one, many) {
  return `${number(value)} ${value === 1 ? one : many}`;
}

export function rate(value) {
  return number(value, value !== null && value < 100 ? 1 : 0);
}

export function bytes(value) {
  if (value === null || value === undefined) return NONE;
  const units = ["B", "kB", "MB", "GB", "TB"];
  let unit = 0;
  while (value >= 1000 && unit < units.length - 1) [value, unit] = [value / 1000, unit + 1];
  return `${number(value, unit && value < 100 ? 1 : 0)} ${units[unit]}`;
}

export function duration(seconds) {
  seconds = Math.max(0, seconds);
  for (const [unit, size] of [["d", 86400], ["h", 3600], ["min", 60]])
    if (seconds >= 2 * size) return `${Math.round(seconds / size)} ${unit}`;
  return `${Math.round(seconds)} s`;
}

export function ago(ts, now) {
  return ts ? `${duration((now - ts) / 1e9)} ago` : NONE;
}

export function clock(ts) {
  return new Date(ts / 1e6).toISOString().slice(11, 19);
}

export function signed(value, digits) {
  if (value === null || value === undefined) return NONE;
  return `${value > 0 ? "+" : value < 0 ? "−" : ""}${number(Math.abs(value), digits)}`;
}

// How many digits behind the point the numbers need, so that they stand in line.
export function digits(values, most = 8) {
  const needed = values.map(value => (value.toFixed(most).replace(/0+$/, "").split(".")[1] ?? "").length);
  return Math.max(0, ...needed);
}
