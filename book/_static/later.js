// Fetches what a widget needs when the reader comes near it, or begins to play.
// The files, made by book/_ext/later.py, are scripts, since a page that was opened from a disk may
// not fetch anything else. Each calls later() with what was taken out of the page.

function later([name, data, images], start) {
  const widget = document.getElementById(name);
  if (data) widget.querySelector('script[type="application/json"]').textContent = data;
  widget.querySelectorAll("img:not([src])").forEach((image, i) => { image.src = images[i]; });
  if (start) start();
}

{
  const base = location.href.replace(/[^/]*$/, "");
  const load = (file) => new Promise((done) => {
    const script = Object.assign(document.createElement("script"), { src: base + file });
    script.addEventListener("load", done);
    document.head.append(script);
  });

  const near = new IntersectionObserver((entries) => entries.forEach(({ isIntersecting, target }) => {
    if (!isIntersecting) return;
    near.unobserve(target);
    load(target.dataset.reached);
  }), { rootMargin: "600px" });
  document.querySelectorAll("[data-reached]").forEach((widget) => near.observe(widget));

  // A film keeps what the reader asks of it until its frames are here, and does it then.
  document.querySelectorAll("[data-played]").forEach((film) => {
    const asked = new Map();
    let loading = false;
    async function begin() {
      if (loading) return;
      loading = true;
      film.setAttribute("aria-busy", "true");
      await load(film.dataset.played);
      const frames = [...film.querySelectorAll("img")];
      frames.forEach((frame) => { frame.loading = "eager"; });
      await Promise.allSettled(frames.map((frame) => frame.decode()));
      for (const type of ["click", "input"]) film.removeEventListener(type, keep, true);
      film.removeAttribute("aria-busy");
      for (const [target, type] of asked) target.dispatchEvent(new Event(type, { bubbles: true }));
    }
    function keep(event) {
      event.stopImmediatePropagation();
      asked.set(event.target, event.type);
      begin();
    }
    for (const type of ["click", "input"]) film.addEventListener(type, keep, true);
    film.addEventListener("focusin", begin);
    film.addEventListener("pointerover", begin);
  });
}
