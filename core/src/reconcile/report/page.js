(() => {
  const rows = [...document.querySelectorAll("#findings tbody tr")];
  const [text, kind, field, shown] = ["text", "kind", "field", "shown"].map((id) => document.getElementById(id));
  if (!rows.length) return;
  const texts = rows.map((row) => row.textContent.toLowerCase());
  const filter = () => {
    const words = text.value.toLowerCase();
    let count = 0;
    rows.forEach((row, i) => {
      const on = (!kind.value || row.dataset.kind === kind.value)
        && (!field.value || row.dataset.field === field.value.slice(1)) && texts[i].includes(words);
      row.hidden = !on;
      count += on;
    });
    shown.textContent = count.toLocaleString("en") + " shown";
  };
  [text, kind, field].forEach((input) => input.addEventListener("input", filter));
  filter();
})();
