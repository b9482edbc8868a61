// Keys press what shows them, and files go into the field beside them; all works by mouse too.
"use strict";
const typing = (target) => target.matches("input, textarea, select");
let sent = false;
document.addEventListener("submit", (event) => {
  // one key held down is one act
  if (sent) event.preventDefault();
  sent = true;
});
addEventListener("pageshow", () => { sent = false; });
document.addEventListener("keydown", (event) => {
  if (typing(event.target)) {
    if (event.key === "Escape") event.target.blur();
    if (event.key === "Enter" && event.ctrlKey) {
      event.target.form?.querySelector('[value="edit"]')?.click();
    }
    return;
  }
  if (event.ctrlKey || event.metaKey || event.altKey || event.repeat) return;
  if (event.key === "j" || event.key === "k") {
    const rows = [...document.querySelectorAll("[data-row]")];
    const next = rows.indexOf(document.activeElement) + (event.key === "j" ? 1 : -1);
    if (rows.length) return void rows[Math.max(0, Math.min(next, rows.length - 1))].focus();
  }
  const wanted = document.querySelector(`[data-key="${CSS.escape(event.key)}"]`);
  if (!wanted) return;
  event.preventDefault();
  if (typing(wanted)) { wanted.focus(); wanted.select?.(); } else wanted.click();
});
for (const input of document.querySelectorAll("input[type=file]")) {
  input.addEventListener("change", async () => {
    input.form.elements[input.dataset.into].value = await input.files[0].text();
  });
}
for (const select of document.querySelectorAll("form.bar select")) {
  select.addEventListener("change", () => select.form.requestSubmit());
}
// a citation opens its passage
const open = () => {
  const cited = location.hash && document.getElementById(location.hash.slice(1));
  cited?.querySelector("details")?.setAttribute("open", "");
};
addEventListener("hashchange", open);
document.addEventListener("click", (event) => { if (event.target.matches(".cite")) setTimeout(open); });
