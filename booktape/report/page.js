// Shows the time, length and cause of a heat map's mark. Without scripts the lists of gaps have each mark.
{
  const clock = ms => new Date(ms).toISOString().slice(11, 23);
  const long = ms => ms < 1e3 ? `${ms} ms` : ms < 6e4 ? `${(ms / 1e3).toFixed(1)} s` : ms < 36e5 ? `${(ms / 6e4).toFixed(1)} min` : `${(ms / 36e5).toFixed(1)} h`;
  function ofDay(bar, from, to, at, wide) {
    const ms = from + (to - from) * at, near = (to - from) / wide * 4;  // close enough for a finger
    let why = "";
    const gaps = (bar.dataset.gaps ?? "").split(";").filter(Boolean).map(text => {
      const [begin, size, ...cause] = text.split(",");
      why = cause.join(",") || why;  // left out if the gap before has the same cause
      return [from + Number(begin), Number(size), why];
    });
    const far = ([begin, size]) => Math.max(begin - ms, ms - begin - size, 0);
    const [found] = gaps.filter(gap => far(gap) <= near).sort((a, b) => far(a) - far(b));
    return found ? `${clock(found[0])} – ${clock(found[0] + found[1])}   ${long(found[1])}   ${found[2]}` : clock(ms);
  }
  function ofCalendar(bar, dates, at) {
    const day = Math.min(Math.floor(at * dates.length), dates.length - 1), share = bar.dataset.shares.split(",")[day];
    return `${dates[day]}   ${share ? `${share} % known` : "no figures"}`;
  }
  for (const heat of document.querySelectorAll(".heat")) {
    const {from, to, dates} = heat.dataset, cross = heat.querySelector(".cross"), read = heat.nextElementSibling;
    const show = event => {
      const bar = event.target.closest("svg");
      if (!bar) return;
      const box = bar.getBoundingClientRect(), at = Math.min(Math.max((event.clientX - box.left) / box.width, 0), 1);
      const said = dates ? ofCalendar(bar, dates.split(","), at) : ofDay(bar, Number(from), Number(to), at, box.width);
      read.textContent = `${bar.parentElement.querySelector(".name").textContent}   ${said}`;
      read.classList.add("on");
      if (!cross) return;
      cross.style.left = `${event.clientX - heat.getBoundingClientRect().left}px`;
      cross.hidden = false;
    };
    heat.addEventListener("pointermove", show);
    heat.addEventListener("pointerdown", show);
    heat.addEventListener("pointerleave", () => { if (cross) cross.hidden = true; });
  }
  addEventListener("beforeprint", () => { for (const one of document.querySelectorAll("details[data-print]")) one.open = true; });
}
