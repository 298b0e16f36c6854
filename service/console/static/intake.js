// An enhancement of the intake form: without it the same is done by its buttons.
// The help follows the typing, employers are offered, and a draft is kept by itself.
"use strict";

(() => {
  const form = document.getElementById("intake");
  const help = document.getElementById("assist");
  const names = document.getElementById("employer-names");
  const state = document.getElementById("draft-state");
  const draft = form.querySelector("[data-draft]");
  const check = form.querySelector("[data-assist]");
  const HELP_AFTER = 500, DRAFT_AFTER = 1200, DRAFT_AGAIN = 5000, NAMES_AFTER = 250; // milliseconds of rest
  const timers = {};
  let leaving = false;
  let asked = 0;

  const soon = (name, wait, work) => {
    clearTimeout(timers[name]);
    timers[name] = setTimeout(work, wait);
  };
  const send = (address, options = {}) => fetch(address, {
    method: "POST", body: new URLSearchParams(new FormData(form)), headers: {"X-Part": "1"},
    credentials: "same-origin", redirect: "error", ...options,
  });
  const tell = (words, failed) => {
    state.textContent = words;
    state.classList.toggle("wrong", Boolean(failed));
  };

  async function keep(options) {
    if (leaving) return;
    try {
      const answer = await send(draft.formAction, options);
      if (!answer.ok) throw new Error(answer.status);
      const now = new Date().toLocaleTimeString("zh-CN", {hour12: false});
      tell(`${form.dataset.kept} ${now}`);
    } catch {
      if (leaving) return;
      tell(form.dataset.failed, true);
      soon("draft", DRAFT_AGAIN, keep);
    }
  }

  async function assist() {
    const turn = ++asked;
    try {
      const answer = await send(check.formAction);
      // An answer that was overtaken, or that comes while somebody ticks a box in it, is not put in its place.
      if (!answer.ok || turn !== asked || help.contains(document.activeElement)) return;
      const part = await answer.text();
      if (turn === asked) help.innerHTML = part;
    } catch { /* the button asks again */ }
  }

  async function offer() {
    try {
      const answer = await send(names.dataset.names);
      if (answer.ok) names.innerHTML = await answer.text();
    } catch { /* the name is typed whole */ }
  }

  form.addEventListener("input", (event) => {
    soon("draft", DRAFT_AFTER, keep);
    if (help.contains(event.target)) return;
    soon("help", HELP_AFTER, assist);
    if (event.target.name === "employer") soon("names", NAMES_AFTER, offer);
  });
  draft.addEventListener("click", (event) => { event.preventDefault(); keep(); });
  check.addEventListener("click", (event) => { event.preventDefault(); assist(); });
  document.addEventListener("visibilitychange", () => {
    if (document.visibilityState === "hidden" && timers.draft) { clearTimeout(timers.draft); keep({keepalive: true}); }
  });
  form.addEventListener("submit", (event) => {
    if (event.defaultPrevented) return;
    leaving = true;
    Object.values(timers).forEach(clearTimeout);
  });
  // Whoever takes a call types at once; on a small screen a keyboard would cover the page.
  if (!document.querySelector("[role=alert]") && matchMedia("(min-width: 60rem)").matches) form.elements.phone.focus();
  window.addEventListener("pageshow", () => { leaving = false; });
})();
