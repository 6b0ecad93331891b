/* Says how many parts a text takes while it is typed: <textarea data-parts="…"> and, after it, <p data-parts-said hidden>.
   The rules come with the page, from rules/segments.py. Without this file the next page says the same. */
(() => {
  "use strict";
  const plainly = (rules) => {
    const translate = (text) => [...text].map((char) => rules.plain[char] ?? char).join("");
    const fits = (text) => [...text].every((char) => rules.basic.includes(char) || rules.extended.includes(char));
    const plain = (char) => {
      const alike = translate(char.normalize("NFKC")), base = [...char.normalize("NFD")][0];
      if (fits(alike)) return alike;
      return fits(base) ? base : char;
    };
    return { fits, of: (text) => [...translate(text.normalize("NFC"))].map((char) => (fits(char) ? char : plain(char))).join("") };
  };
  const count = (text, rules, plain) => {
    const kind = plain.fits(text) ? "GSM-7" : "UCS-2";
    const width = (char) => (kind === "GSM-7" ? (rules.extended.includes(char) ? 2 : 1) : char.length);
    const widths = [...text].map(width), units = widths.reduce((sum, one) => sum + one, 0);
    if (units <= rules.single[kind]) return { kind, units, parts: 1 };
    let parts = 1, left = rules.part[kind];
    for (const one of widths) { if (one > left) { parts += 1; left = rules.part[kind]; } left -= one; }
    return { kind, units, parts };
  };

  document.querySelectorAll("[data-parts]").forEach((box) => {
    const rules = JSON.parse(box.dataset.parts), plain = plainly(rules);
    const said = box.closest("form").querySelector("[data-parts-said]");
    const number = said.querySelector("[data-parts-number]"), size = said.querySelector("[data-parts-size]");
    const show = () => {
      const typed = box.value.trim().split(/\s+/).join(" ").replace(/\{([a-z_]{1,20})\}/g, (all, name) => rules.fields[name] ?? all);
      const sizes = rules.around.map(([before, after]) => count(before + plain.of(typed) + after, rules, plain));
      const most = sizes.reduce((one, other) => (other.parts > one.parts || (other.parts === one.parts && other.units > one.units) ? other : one));
      const parts = most.parts === 1 ? "1 part" : `${most.parts} parts`;
      const words = most.parts > rules.most ? `${parts}, shorten it` : most.kind === "UCS-2" ? `${parts}, an emoji or sign makes each one short` : parts;
      if (number.textContent !== words) number.textContent = words;
      size.textContent = `${most.units} characters with the name in front, `;
      said.hidden = !box.value.trim();
    };
    box.addEventListener("input", show);
    show();
  });
})();
