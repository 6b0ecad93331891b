/* Small helps. Every page works without this file. */
(() => {
  "use strict";
  const $ = (sel, root = document) => root.querySelector(sel);
  const say = (text) => { const box = $("#say"); if (box) { box.textContent = ""; setTimeout(() => { box.textContent = text; }, 50); } };

  /* data-confirm="Cancel this session?" on a form or its button: ask first. data-confirm-yes="Cancel it" names the answer. */
  let sure = null;
  document.addEventListener("submit", (event) => {
    const form = event.target, by = event.submitter;
    const asks = by && by.dataset.confirm ? by : form.dataset.confirm ? form : null;
    const box = $("#confirm-dialog");
    if (!asks || sure === form || !box || !box.showModal) { sure = null; return; }
    event.preventDefault();
    event.stopImmediatePropagation();
    $("[data-confirm-text]", box).textContent = asks.dataset.confirm;
    $("button[data-confirm-yes]", box).textContent = asks.dataset.confirmYes || "Continue";
    box.returnValue = "";
    box.addEventListener("close", () => {
      if (box.returnValue === "yes") { sure = form; form.requestSubmit(by || undefined); }
    }, { once: true });
    box.showModal();
  }, true);

  /* Copy buttons. */
  document.querySelectorAll("[data-copy]").forEach((b) => { b.hidden = !navigator.clipboard; });
  document.addEventListener("click", async (event) => {
    const b = event.target.closest("[data-copy]");
    if (!b) return;
    const label = $("[data-copy-label]", b) || b, before = label.textContent;
    try { await navigator.clipboard.writeText(b.dataset.copy); label.textContent = "Copied"; say("Copied"); }
    catch { label.textContent = "Press Ctrl+C"; }
    setTimeout(() => { label.textContent = before; }, 2000);
  });

  /* Print buttons. */
  document.querySelectorAll("[data-print]").forEach((b) => { b.hidden = false; b.addEventListener("click", () => window.print()); });

  /* <form data-preview="/groups/preview" data-preview-into="#preview">: posts the form as it is typed, shows what comes back. */
  document.querySelectorAll("form[data-preview]").forEach((form) => {
    let wait = 0, running = null;
    const refresh = async () => {
      if (running) running.abort();
      running = new AbortController();
      try {
        const body = new FormData(form);
        for (const [name, v] of [...body]) if (v instanceof File) body.delete(name);
        const answer = await fetch(form.dataset.preview, { method: "POST", body, signal: running.signal, headers: { "HX-Request": "true" } });
        const area = $(form.dataset.previewInto || "#preview");
        if (area && answer.ok && !answer.redirected) area.innerHTML = await answer.text();
      } catch { /* the page without a preview is still a page */ }
    };
    const soon = () => { clearTimeout(wait); wait = setTimeout(refresh, 350); };
    form.addEventListener("input", soon);
    form.addEventListener("change", soon);
  });

  /* Parts that refresh themselves: not while hidden, not while paused, and never with another page's answer. */
  let paused = false;
  document.querySelectorAll("[data-live-note]").forEach((n) => { n.hidden = false; });
  document.addEventListener("click", (event) => {
    const b = event.target.closest("[data-live-toggle]");
    if (!b) return;
    paused = !paused;
    b.textContent = paused ? "Resume" : "Pause";
    const words = b.previousElementSibling;
    if (words) words.textContent = paused ? "Not updating." : "Updates by itself.";
  });
  document.addEventListener("htmx:before:request", (event) => {
    const el = event.detail.ctx && event.detail.ctx.sourceElement;
    if (el && el.matches("[data-live]") && (paused || document.hidden)) event.preventDefault();
  });
  document.addEventListener("htmx:before:response", (event) => {
    const raw = event.detail.ctx && event.detail.ctx.response && event.detail.ctx.response.raw;
    if (raw && raw.redirected) { event.preventDefault(); location.reload(); }
  });

  /* The "More" sheet on phones closes by Escape or a tap elsewhere. */
  const shut = (except) => document.querySelectorAll("details[data-sheet][open]").forEach((d) => { if (d !== except) d.open = false; });
  document.addEventListener("click", (event) => shut(event.target.closest("details[data-sheet]")));
  document.addEventListener("keydown", (event) => {
    const open = $("details[data-sheet][open]");
    if (event.key === "Escape" && open) { open.open = false; $("summary", open).focus(); }
  });

  /* Time-out: a warning two minutes before, which can be extended without losing what was typed. */
  const d = document.body.dataset, limit = Number(d.idleSeconds || 0) * 1000;
  if (limit) {
    let since = Date.now(), active = 0;
    const box = $("#idle-dialog");
    const extend = async () => {
      try {
        const answer = await fetch(d.idleExtend, { method: "POST", headers: { "X-CSRFToken": d.csrf } });
        if (answer.ok && !answer.redirected) since = Date.now();
      } catch { /* tried again below */ }
    };
    for (const kind of ["keydown", "pointerdown"]) document.addEventListener(kind, () => { active = Date.now(); }, { passive: true });
    if (box) box.addEventListener("close", extend);
    setInterval(() => {
      const gone = Date.now() - since;
      if (gone > limit) location.assign(d.idleExpired || location.href);
      else if (gone > limit - 120000 && box && !box.open) {
        if (active > Date.now() - 60000) extend(); else box.showModal();
      }
    }, 5000);
  }
})();
