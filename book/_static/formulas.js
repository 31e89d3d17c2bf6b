// A formula that is wider than its place scrolls there, and can be reached with the Tab key.

{
  const isWide = (formula) => {
    if (formula.matches("div")) return formula.scrollWidth > formula.clientWidth;
    const room = formula.closest("p, li, dd, td, th, div").clientWidth;
    return formula.firstElementChild.getBoundingClientRect().width > room;
  };
  const fit = () => {
    const formulas = [...document.querySelectorAll("article .formula, article span.math")];
    formulas.forEach((formula) => formula.classList.remove("wide"));
    // First all is measured, then all is changed, so that the page is laid out twice and not often.
    const wide = formulas.map(isWide);
    formulas.forEach((formula, i) => {
      formula.classList.toggle("wide", wide[i]);
      if (wide[i]) formula.tabIndex = 0;
      else formula.removeAttribute("tabindex");
    });
  };

  fit();
  document.fonts.addEventListener("loadingdone", fit);
  addEventListener("resize", fit);
}
