// Frames with a slider and a play button.

function open(film) {
  // One output may be shown twice in a document; then this script runs for each.
  film = [...document.querySelectorAll(`#${film.id}`)].find((one) => !one.begun);
  film.begun = true;
  const pictures = film.querySelectorAll("img");
  const slider = film.querySelector("input"), button = film.querySelector("button");
  let timer = null;
  function show(i) {
    pictures.forEach((picture, k) => { picture.hidden = k !== i; });
    slider.value = i;
    slider.setAttribute("aria-valuetext", pictures[i].dataset.label);
    film.querySelector("output").textContent = pictures[i].dataset.label;
  }
  function stop() { clearInterval(timer); timer = null; button.textContent = "Play"; }
  slider.addEventListener("input", () => { stop(); show(Number(slider.value)); });
  button.addEventListener("click", () => {
    if (timer !== null) return stop();
    let i = Number(slider.value) === pictures.length - 1 ? 0 : Number(slider.value);
    show(i);
    button.textContent = "Pause";
    timer = setInterval(() => {
      if (i === pictures.length - 1) return stop();
      show(++i);
    }, 500);
  });
  show(pictures.length - 1);
}
