// A card for each feed and the writer, made once and then only written into.
import { NONE, ago, bytes, count, duration, number, rate } from "./format.js";

const GOOD = new Set(["live", "running"]), BAD = new Set(["stopped", "silent", "disk_full", "disk_error", "foreign"]);
const place = document.getElementById("processes"), cards = new Map();

// What a dead process said last is no news.
export const isReporting = process => process.is_running && Math.abs(process.report_age_s ?? 99) <= 6 && Boolean(process.report);

export function showCards(status) {
  const seen = new Set();
  for (const process of status.processes) {
    seen.add(process.name);
    const card = cards.get(process.name) ?? makeCard(process);
    const report = process.report?.version === status.processes[0].report?.version ? process.report : null;
    fill(card, process, process.exchange ? feed(process, report, status) : writer(report, status));
  }
  for (const [name, card] of cards) if (!seen.has(name)) { card.element.remove(); cards.delete(name); }
}

function makeCard(process) {
  const element = document.createElement("article");
  element.className = "card";
  element.dataset.process = process.name;
  const head = element.appendChild(document.createElement("header"));
  const title = head.appendChild(document.createElement("h2"));
  title.textContent = process.exchange ? process.name.replace(/^ingest_/, "").replace(/-a$/, "") : "writer";
  const state = head.appendChild(document.createElement("span"));
  const big = element.appendChild(document.createElement("p"));
  big.className = "big";
  const value = big.appendChild(document.createElement("span"));
  const unit = big.appendChild(document.createElement("small"));
  const meter = element.appendChild(document.createElement("div"));
  meter.className = "meter";
  meter.setAttribute("aria-hidden", "true");
  meter.appendChild(document.createElement("i"));
  const list = element.appendChild(document.createElement("dl"));
  const card = { element, state, value, unit, meter, list, rows: new Map() };
  // Feeds first, in the order in which they are told; the writer stands last.
  const last = place.querySelector('[data-process="buffer_writer"]');
  place.insertBefore(element, process.exchange ? last : null);
  cards.set(process.name, card);
  return card;
}

function fill(card, process, told) {
  card.state.className = `state ${GOOD.has(process.state) ? "good" : BAD.has(process.state) ? "bad" : ""}`;
  write(card.state, process.state.replace("_", " "));
  write(card.value, told.big);
  write(card.unit, told.unit);
  card.meter.classList.toggle("low", told.share < told.enough);
  card.meter.firstChild.style.width = `${100 * Math.min(1, Math.max(0, told.share))}%`;
  for (const [name, text, mood] of told.rows) {
    let cell = card.rows.get(name);
    if (!cell) {
      card.list.appendChild(document.createElement("dt")).textContent = name;
      cell = card.list.appendChild(document.createElement("dd"));
      card.rows.set(name, cell);
    }
    write(cell, text);
    cell.className = mood ?? "";
  }
}

function feed(process, report, status) {
  const now = status.ts;
  if (!report?.kinds) return { big: NONE, unit: "messages/s", share: 0, enough: 0, rows: [["last report", process.report_age_s === null ? NONE : `${duration(process.report_age_s)} ago`]] };
  const kinds = report.kinds, wanted = report.symbols - report.refused.length;
  const reports = isReporting(process), live = reports ? report.live : 0;
  const { last_audit_ts: audited, tickers_agreed: agreed, tickers_judged: judged } = report.counts;
  const rows = [
    ["books live", `${number(live)} of ${number(report.symbols)}`, live < wanted ? "warn" : ""],
    ["last data", ago(report.last_data_ts, now), now - (report.last_data_ts ?? 0) > 30e9 ? "warn" : ""],
    ["behind the exchange", report.delay_ns === null || report.delay_ns === undefined ? NONE : `${number(report.delay_ns / 1e6)} ms`],
    ["gaps today", number(report.gaps_today)],
    ["reconnects", number(report.reconnects)],
    ["audits", `${number(report.counts.audits)}, ${kinds.mismatch ? `${number(kinds.mismatch)} differed` : "none differed"}`, kinds.mismatch ? "warn" : ""],
    ["journal, to be stored", bytes(report.journal_waiting_bytes ?? report.journal_bytes)],
  ];
  if (audited) rows.push(["last audit", ago(audited, now)]);
  if (judged) rows.push(["ticker agrees", `${number(100 * agreed / judged, 2)} %`]);
  if (report.rate_limited_until > now) rows.push(["refused by the exchange for", duration((report.rate_limited_until - now) / 1e9), "warn"]);
  return { big: reports ? rate(report.messages_per_s) : NONE, unit: "messages/s", share: wanted ? live / wanted : 0, enough: 0.9, rows };
}

function writer(report, status) {
  if (!report?.sessions) return { big: NONE, unit: "rows/s", share: 0, enough: 0, rows: [] };
  const now = status.ts, free = report.disk_size_bytes ? report.disk_free_bytes / report.disk_size_bytes : 0;
  const held = Object.keys(report.held_sessions).length;
  const flush = report.last_flush_ts ? `${ago(report.last_flush_ts, now)}, ${number(report.last_flush_rows)} rows` : NONE;
  return {
    big: rate(report.rows_per_s), unit: "rows/s", share: free, enough: 0.05,
    rows: [
      ["disk free", `${bytes(report.disk_free_bytes)} of ${bytes(report.disk_size_bytes)}`, report.disk_free_bytes < 2 * report.disk_free_min_bytes ? "bad" : ""],
      ["rows held in memory", number(report.rows_buffered)],
      ["last flush", report.flush_error ?? flush, report.flush_error ? "bad" : ""],
      ["waits for the store", status.spool_flushes ? `${bytes(status.spool_bytes)} in ${count(status.spool_flushes, "flush", "flushes")}` : "nothing", report.upload_error ? "warn" : ""],
      ["last upload", ago(report.last_upload_ts, now)],
      ["objects stored", `${number(report.uploads)}${report.upload_failures ? `, ${count(report.upload_failures, "try", "tries")} failed` : ""}`, report.upload_error ? "bad" : ""],
      ["set aside, held back", status.conflicts || held ? `${count(status.conflicts, "flush", "flushes")}, ${count(held, "session", "sessions")}` : "nothing", status.conflicts ? "bad" : ""],
      ["journals on disk", `${bytes(status.journals.reduce((sum, journal) => sum + journal.bytes, 0))} in ${status.journals.length}`],
    ],
  };
}

export function write(element, text) {
  if (element.textContent !== text) element.textContent = text;
}
