// An enhancement of every staff page: what one is told appears at once, and the count of unread notices follows.
// One tab of a browser listens and tells the others, for a browser keeps only a few lines to one server open.
"use strict";

(() => {
  const {events, unread, close} = document.currentScript.dataset;
  const count = document.querySelector(".count[data-unread]");
  const board = document.getElementById("live");
  const lang = document.documentElement.lang === "en" ? "en" : "zh";
  const SHOWN = 3, FOR = 12000; // notices at once; milliseconds
  const others = "BroadcastChannel" in window ? new BroadcastChannel("hotline-notices") : null;

  const show = {
    unread({count: number}) {
      count.hidden = !number;
      count.textContent = unread.replace("#", number);
    },
    notice(notice) {
      const line = document.createElement("p");
      line.className = notice.urgent ? "told urgent" : "told";
      const words = document.createElement(notice.ticket_number ? "a" : "span");
      words.textContent = notice[lang];
      if (notice.ticket_number) words.href = `${events.replace(/\/events$/, "")}/tickets/${notice.ticket_number}`;
      const away = document.createElement("button");
      away.type = "button";
      away.className = "small";
      away.textContent = close;
      away.addEventListener("click", () => line.remove());
      line.append(words, away);
      board.prepend(line);
      while (board.children.length > SHOWN) board.lastElementChild.remove();
      if (!notice.urgent) setTimeout(() => line.remove(), FOR);
    },
  };
  const tell = (kind, data) => {
    show[kind](data);
    others?.postMessage([kind, data]);
  };
  const listen = () => new Promise((done) => {
    const line = new EventSource(events);
    for (const kind of Object.keys(show)) {
      line.addEventListener(kind, (event) => tell(kind, JSON.parse(event.data)));
    }
    line.addEventListener("logged_out", () => { line.close(); done(); });
    window.addEventListener("pagehide", () => { line.close(); done(); });
  });

  others?.addEventListener("message", ({data: [kind, data]}) => show[kind](data));
  if (navigator.locks) navigator.locks.request("hotline-notices", listen);
  else listen();
})();
