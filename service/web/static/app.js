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

  /* Time-out: a quiet warning two minutes before. Whoever types is there; what was typed goes along when nobody is. */
  const d = document.body.dataset, limit = Number(d.idleSeconds || 0) * 1000;
  if (limit) {
    const warning = $("#idle"), tabs = new BroadcastChannel("idle");
    let since = Date.now(), length = limit, active = 0, typedIn = null, left = false;
    const begin = (ms) => { since = Date.now(); length = ms; warning.hidden = true; };
    const stay = async () => {
      try {
        const answer = await fetch(d.idleExtend, { method: "POST", headers: { "X-CSRFToken": d.csrf, "HX-Request": "true" } });
        if (answer.status === 200) { begin(Number((await answer.json()).seconds) * 1000); tabs.postMessage(length); }
      } catch { /* tried again below */ }
    };
    const leave = () => {
      left = true;
      document.documentElement.hidden = true;
      if (!typedIn || typedIn.method !== "post" || !typedIn.isConnected) { location.reload(); return; }
      const form = document.createElement("form"), add = (name, value) => {
        const box = document.createElement("textarea");
        box.name = name; box.value = value; form.append(box);
      };
      form.method = "post"; form.action = d.idleExpired;
      for (const [name, value] of new FormData(typedIn)) if (typeof value === "string") add(name, value);
      const to = new URL(typedIn.action);
      add("kept_path", to.pathname + to.search);
      document.body.append(form);
      form.submit();
    };
    tabs.onmessage = (event) => begin(event.data);
    tabs.postMessage(limit);
    warning.addEventListener("submit", (event) => { event.preventDefault(); stay(); });
    for (const kind of ["keydown", "pointerdown"]) document.addEventListener(kind, () => { active = Date.now(); }, { passive: true });
    document.addEventListener("input", (event) => {
      typedIn = event.target.form || typedIn;
      if (!warning.hidden) stay();
    });
    setInterval(() => {
      const gone = Date.now() - since;
      if (left) return;
      if (gone > length) leave();
      else if (gone > length - 120000 && warning.hidden) {
        if (active > Date.now() - 60000) stay();
        else { warning.hidden = false; say("You will be signed out in 2 minutes. Stay signed in with the button at the start of the page."); }
      }
    }, 1000);
  }
})();
