// The books that are looked at: best levels, how deep they are, what lies between.
import { write } from "./cards.js";
import { NONE, digits, number } from "./format.js";

const LEVELS = 10;
const place = document.getElementById("ladders"), ladders = new Map();

export function touch(books, market) {
  const [exchange, symbol] = market.split(":"), book = books[exchange]?.[symbol];
  if (!book?.bids.length || !book.asks.length) return null;
  const bid = book.bids[0][0], ask = book.asks[0][0], mid = (bid + ask) / 2;
  return { bid, ask, mid, spread: 1e4 * (ask - bid) / mid };
}

export function showLadders(markets, books, remove) {
  for (const [market, ladder] of ladders) if (!markets.includes(market)) { ladder.element.remove(); ladders.delete(market); }
  markets.forEach((market, at) => {
    const ladder = ladders.get(market) ?? makeLadder(market, remove);
    if (place.children[at] !== ladder.element) place.insertBefore(ladder.element, place.children[at] ?? null);
    const [exchange, symbol] = market.split(":");
    fill(ladder, books[exchange]?.[symbol], touch(books, market));
  });
}

function makeLadder(market, remove) {
  const [exchange, symbol] = market.split(":"), element = document.createElement("article");
  element.className = "ladder";
  element.dataset.book = market;
  const head = element.appendChild(document.createElement("header"));
  const title = head.appendChild(document.createElement("h3"));
  title.append(symbol, Object.assign(document.createElement("span"), { textContent: exchange }));
  const button = head.appendChild(document.createElement("button"));
  button.type = "button";
  button.textContent = "×";
  button.setAttribute("aria-label", `Hide ${exchange} ${symbol}`);
  button.addEventListener("click", () => remove(market));
  const none = element.appendChild(document.createElement("p"));
  none.className = "none";
  none.textContent = "no live book";
  const table = element.appendChild(document.createElement("table"));
  table.hidden = true;
  const top = table.createTHead().insertRow();
  for (const [name, scope] of [["price", "col"], ["size", "col"], ["sum", "col"]])
    top.appendChild(Object.assign(document.createElement("th"), { textContent: name, scope }));
  const body = table.createTBody();
  const asks = Array.from({ length: LEVELS }, () => makeLevel(body, "ask"));
  const middle = body.insertRow();
  middle.className = "mid";
  const cell = middle.insertCell();
  cell.colSpan = 3;
  const mid = cell.appendChild(document.createElement("b")), spread = cell.appendChild(document.createElement("span"));
  const bids = Array.from({ length: LEVELS }, () => makeLevel(body, "bid"));
  const ladder = { element, table, none, asks: asks.reverse(), bids, mid, spread };
  ladders.set(market, ladder);
  return ladder;
}

function makeLevel(body, side) {
  const row = body.insertRow();
  row.className = `${side} level`;
  return { row, cells: [row.insertCell(), row.insertCell(), row.insertCell()] };
}

function fill(ladder, book, best) {
  ladder.table.hidden = !book;
  ladder.none.hidden = Boolean(book);
  if (!book) return;
  const levels = [...book.bids, ...book.asks];
  const priceDigits = digits(levels.map(level => level[0])), total = side => side.reduce((sum, level) => sum + level[1], 0);
  const most = Math.max(total(book.bids), total(book.asks));
  // Six digits tell one size from another; more of them hide it.
  const sizeDigits = Math.min(digits(levels.map(level => level[1])), Math.max(0, 6 - Math.max(0, Math.ceil(Math.log10(most)))));
  for (const [rows, side] of [[ladder.asks, book.asks], [ladder.bids, book.bids]]) {
    let sum = 0;
    rows.forEach(({ row, cells }, at) => {
      const level = side[at];
      row.hidden = !level;
      if (!level) return;
      sum += level[1];
      row.style.backgroundSize = `${(100 * sum / most).toFixed(1)}% 100%`;
      write(cells[0], number(level[0], priceDigits));
      write(cells[1], number(level[1], sizeDigits));
      write(cells[2], number(sum, sizeDigits));
    });
  }
  write(ladder.mid, best ? number(best.mid, Math.min(8, priceDigits + 1)) : NONE);
  write(ladder.spread, best ? `spread ${number(best.spread, 2)} bps` : "one side is empty");
}
