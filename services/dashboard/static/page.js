// The page: what the stream says each second, and what is said where there is none.
import { isReporting, showCards, write } from "./cards.js";
import { Chart, lineColour } from "./charts.js";
import { clock, duration, number, rate, signed } from "./format.js";
import { showLadders, touch } from "./ladders.js";

const QUIET_MS = 6000, AGAIN_MS = [500, 1000, 2000, 4000];
const $ = id => document.getElementById(id);
const charts = {
  premium: new Chart($("premium"), { height: 210, colours: () => getComputedStyle(document.documentElement).getPropertyValue("--premium").trim(), bps: true }),
  rates: new Chart($("rates")),
  spreads: new Chart($("spreads")),
};
let greeting = { markets: {}, shown: [], spread: [] }, chosen = readChosen(), socket = null, tries = 0, quiet = 0, lastTs = 0, hasBegun = false;

function connect() {
  socket = new WebSocket(`${location.protocol === "https:" ? "wss" : "ws"}://${location.host}/api/stream`);
  const mine = socket;
  mine.onopen = () => tell();
  mine.onmessage = event => { if (mine === socket) take(JSON.parse(event.data)); };
  mine.onclose = () => { if (mine === socket) lose(); };
  expect();
}

// A stream that says nothing is lost too: a process that hangs keeps its sockets open.
function expect() {
  clearTimeout(quiet);
  quiet = setTimeout(() => { socket?.close(); lose(); }, QUIET_MS);
}

function lose() {
  clearTimeout(quiet);
  socket = null;
  document.body.dataset.stream = "lost";
  $("summary").className = "lost";
  write($("verdict"), lastTs ? `This page gets no more news: what you see is of ${clock(lastTs)} UTC` : "Nothing answers");
  write($("facts"), "The dashboard's process or the way to it is gone; this page tries again by itself. On the machine: booktape status");
  setTimeout(connect, AGAIN_MS[Math.min(tries++, AGAIN_MS.length - 1)]);
}

function take(message) {
  expect();
  tries = 0;
  if (message.markets) return greet(message);
  document.body.dataset.stream = "open";
  lastTs = message.ts;
  const time = `${new Date(message.ts / 1e6).toISOString().slice(0, 10)} ${clock(message.ts)} UTC`;
  write($("time"), time);
  judge(message);
  showCards(message);
  showLadders(markets(), message.books, remove);
  draw(message);
  about(message);
  document.body.dataset.frames = Number(document.body.dataset.frames) + 1;
}

function greet(message) {
  greeting = message;
  $("markets").replaceChildren(...names().map(value => Object.assign(document.createElement("option"), { value })));
  if (!hasBegun && Object.keys(message.history).length) charts.rates.begin(message.history);
  hasBegun = true;
  $("premium").hidden = !message.spread.length;
  if (message.spread.length) entitle(message.spread.map(market => market.split(":")));
}

function entitle([a, b, fxA, fxB]) {
  const [base, quote] = a[1].split("-"), other = b[1].split("-")[1];
  write($("premium").querySelector("h2"), `${base} in ${other}: premium over ${quote}`);
  write($("premium").querySelector(".note"), `${b.join(" ")} over ${a.join(" ")}, by way of ${fxA.join(" ")} and ${fxB.join(" ")}; mid prices, without fees`);
}

function judge(message) {
  const count = message.troubles.length;
  $("summary").className = message.ok ? "well" : "unwell";
  write($("verdict"), message.ok ? "All well" : count === 1 ? "One thing is not well" : `${count} things are not well`);
  const feeds = message.processes.filter(process => process.exchange), alive = feeds.filter(isReporting);
  const live = alive.reduce((sum, feed) => sum + (feed.report.live ?? 0), 0), wanted = feeds.reduce((sum, feed) => sum + (feed.report?.symbols ?? 0), 0);
  const messages = alive.reduce((sum, feed) => sum + (feed.report.messages_per_s ?? 0), 0);
  write($("facts"), `${feeds.length} ${feeds.length === 1 ? "feed" : "feeds"}, ${number(live)} of ${number(wanted)} books live, ${rate(messages)} messages a second`);
  const told = JSON.stringify(message.troubles);
  if ($("troubles").dataset.told === told) return;
  $("troubles").dataset.told = told;
  $("troubles").replaceChildren(...message.troubles.map(trouble => {
    const item = document.createElement("li");
    item.dataset.code = trouble.code;
    const part = (kind, name, text) => item.appendChild(Object.assign(document.createElement(kind), { className: name, textContent: text }));
    part("code", "", trouble.code);
    part("b", "", trouble.text);
    part("p", "remedy", trouble.remedy);
    return item;
  }));
}

function draw(message) {
  const feeds = message.processes.filter(process => process.exchange);
  const rates = Object.fromEntries(feeds.map(feed => [feed.name, isReporting(feed) ? feed.report.messages_per_s ?? null : null]));
  charts.rates.add(message.ts, rates);
  legend("rates", charts.rates.names, name => name.replace(/^ingest_/, "").replace(/-a$/, ""), name => rate(rates[name] ?? null));
  const spreads = Object.fromEntries(markets().map(market => [market, touch(message.books, market)?.spread ?? null]));
  charts.spreads.forget(markets());
  charts.spreads.add(message.ts, spreads);
  legend("spreads", charts.spreads.names, name => name.replace(":", " "), name => number(spreads[name] ?? null, 2));
  if (!greeting.spread.length) return;
  const [a, b, fxA, fxB] = greeting.spread.map(market => touch(message.books, market)?.mid);
  const premium = a && b && fxA && fxB ? 1e4 * (b / fxB / (a / fxA) - 1) : null;
  charts.premium.add(message.ts, { premium });
  write($("premium").querySelector(".now"), premium === null ? "–" : `${signed(premium, 1)} bps`);
}

function legend(id, lines, name, value) {
  const place = $(id).querySelector(".legend");
  if (place.dataset.lines !== lines.join()) {
    place.dataset.lines = lines.join();
    place.replaceChildren(...lines.map(line => {
      const entry = document.createElement("span");
      entry.append(document.createElement("i"), name(line), " ", document.createElement("b"));
      return entry;
    }));
  }
  lines.forEach((line, at) => {
    place.children[at].firstChild.style.background = lineColour(at);
    write(place.children[at].lastChild, value(line));
  });
}

function about(message) {
  const supervisor = message.supervisor_pid ? `supervisord runs as process ${message.supervisor_pid}` : "no supervisord answers";
  const programs = message.programs.map(program => `${program.name} ${program.state}`).join(", ");
  write($("about"), `booktape ${message.release} · ${supervisor}${programs ? ` · ${programs}` : ""} · looked at ${duration(Math.max(0, Date.now() * 1e6 - message.ts) / 1e9)} ago`);
}

// --- which books are shown: the address keeps what was chosen ---

const names = () => Object.entries(greeting.markets).flatMap(([exchange, symbols]) => symbols.map(symbol => `${exchange}:${symbol}`));
const markets = () => chosen ?? greeting.shown;

function readChosen() {
  const text = decodeURIComponent(location.hash.slice(1));
  return text ? text.split(",").filter(market => market.includes(":")) : null;
}

function choose(next) {
  chosen = next;
  history.replaceState(null, "", next ? `#${next.join(",")}` : location.pathname);
  $("default").hidden = !next;
  tell();
}

function remove(market) {
  choose(markets().filter(name => name !== market));
  document.querySelector(`[data-book="${market}"]`)?.remove();
  $("market").focus();
}

function tell() {
  if (socket?.readyState === WebSocket.OPEN) socket.send(JSON.stringify({ watch: chosen ?? [] }));
}

function find(text) {
  const wanted = text.trim().toLowerCase(), all = names();
  if (!wanted) return null;
  return all.find(name => name.toLowerCase() === wanted) ?? all.find(name => name.toLowerCase().split(":")[1] === wanted) ?? all.find(name => name.toLowerCase().includes(wanted)) ?? null;
}

$("chooser").addEventListener("submit", event => {
  event.preventDefault();
  const found = find($("market").value);
  write($("chosen"), found ? "" : `No live book is called ${$("market").value || "nothing"}.`);
  if (!found) return;
  $("market").value = "";
  if (!markets().includes(found)) choose([found, ...markets()].slice(0, 16));
});
$("default").addEventListener("click", () => choose(null));
$("default").hidden = !chosen;
addEventListener("hashchange", () => { chosen = readChosen(); $("default").hidden = !chosen; tell(); });
connect();
