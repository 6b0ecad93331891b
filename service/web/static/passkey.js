/* Makes a passkey, or shows one: <form data-passkey="create|get" data-passkey-options="…">. What comes of it is posted with the form. */
(() => {
  "use strict";
  const bytes = (text) => Uint8Array.from(atob(text.replace(/-/g, "+").replace(/_/g, "/")), (c) => c.charCodeAt(0));
  const words = (buffer) => btoa(String.fromCharCode(...new Uint8Array(buffer))).replace(/\+/g, "-").replace(/\//g, "_").replace(/=+$/, "");
  const named = (list) => (list || []).map((one) => ({ ...one, id: bytes(one.id) }));
  if (!window.PublicKeyCredential || !navigator.credentials) return;

  const read = (form) => {
    const given = JSON.parse(form.dataset.passkeyOptions);
    given.challenge = bytes(given.challenge);
    if (given.user) given.user.id = bytes(given.user.id);
    if (given.excludeCredentials) given.excludeCredentials = named(given.excludeCredentials);
    if (given.allowCredentials) given.allowCredentials = named(given.allowCredentials);
    return given;
  };
  const told = (made) => {
    const response = {};
    for (const name of ["clientDataJSON", "attestationObject", "authenticatorData", "signature", "userHandle"]) {
      if (made.response[name]) response[name] = words(made.response[name]);
    }
    return JSON.stringify({ id: made.id, rawId: words(made.rawId), type: made.type, response, clientExtensionResults: {} });
  };

  document.querySelectorAll("[data-passkey-off]").forEach((part) => { part.hidden = true; });
  document.querySelectorAll("form[data-passkey]").forEach((form) => {
    const said = form.querySelector("[data-passkey-error]"), field = form.elements.credential;
    form.hidden = false;
    form.addEventListener("submit", async (event) => {
      if (field.value) return;
      event.preventDefault();
      said.hidden = true;
      try {
        field.value = told(await navigator.credentials[form.dataset.passkey]({ publicKey: read(form) }));
        form.requestSubmit();
      } catch (error) {
        said.textContent = error.name === "InvalidStateError" ? "This device has a passkey for you already." : "Nothing came of it. Try again, or use another way.";
        said.hidden = false;
      }
    });
  });
})();
