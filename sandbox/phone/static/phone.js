// Keeps the page up to date and sends without a reload. Without this file everything still works, by plain forms.
(() => {
  const EVERY = 1000;
  const ZONE = "phone_zone";  // as in zone.py
  const log = document.getElementById("bubbles");
  let tag = "";

  const atBottom = () => !log || log.scrollHeight - log.scrollTop - log.clientHeight < 80;
  const toBottom = () => { if (log) log.scrollTop = log.scrollHeight; };

  function keepOpen(old, fresh) {
    const was = [...old.querySelectorAll("details")].map((details) => details.open);
    fresh.querySelectorAll("details").forEach((details, place) => { details.open = was[place] || false; });
  }

  // Elements that did not change stay as they are: an open letter does not close, a frame does not load again.
  function merge(mine, theirs) {
    const old = new Map([...mine.children].filter((child) => child.id).map((child) => [child.id, child]));
    const next = [...theirs.children].map((child) => {
      const known = child.id && old.get(child.id);
      if (known && known.outerHTML.replace(/ open=""/g, "") === child.outerHTML) return known;
      if (known) keepOpen(known, child);
      return child;
    });
    next.forEach((child, place) => {
      if (mine.children[place] !== child) mine.insertBefore(child, mine.children[place] || null);
    });
    while (mine.children.length > next.length) mine.lastElementChild.remove();
  }

  async function refresh() {
    const answer = await fetch(location.href, { headers: tag ? { "If-None-Match": tag } : {}, cache: "no-store" });
    if (answer.status !== 200) return;
    tag = answer.headers.get("ETag") || "";
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    const stay = atBottom();
    for (const id of ["people", "bubbles", "clock", "lock"]) {
      const mine = document.getElementById(id);
      const theirs = page.getElementById(id);
      if (!mine || !theirs) continue;
      if (id === "bubbles") merge(mine, theirs);
      else if (mine.innerHTML !== theirs.innerHTML) mine.replaceChildren(...theirs.childNodes);
    }
    if (stay) toBottom();
  }

  async function send(event) {
    const form = event.target;
    if (form.method !== "post" || form.dataset.live === "no") return;
    event.preventDefault();
    const data = new URLSearchParams(new FormData(form));
    if (event.submitter && event.submitter.name) data.set(event.submitter.name, event.submitter.value);
    await fetch(form.action, { method: "POST", body: data, redirect: "manual" });
    const box = form.querySelector("[name=body]");
    if (box) {
      box.value = "";
      box.focus();
    }
    await refresh();
    if (form.closest(".composer")) toBottom();
  }

  async function watch() {
    try {
      if (!document.hidden) await refresh();
    } catch {
      // the sandbox is away for a moment: the next look may find it
    }
    setTimeout(watch, EVERY);
  }

  document.addEventListener("submit", send);
  document.addEventListener("change", (event) => {
    if (event.target.id === "script") event.target.form.requestSubmit();
  });
  document.body.classList.add("scripted");
  if (!document.cookie.includes(`${ZONE}=`)) {
    document.cookie = `${ZONE}=${Intl.DateTimeFormat().resolvedOptions().timeZone}; path=/; samesite=lax`;
  }
  toBottom();
  watch();
})();
