// One picture at a time, two buttons, and at the end of a round what the answers say.

// The 95 % interval of a share: `right` of `n` (Wilson 1927).
function wilson(right, n) {
  const z = 1.959964, share = right / n, middle = share + z * z / (2 * n);
  const half = z * Math.sqrt(share * (1 - share) / n + z * z / (4 * n * n));
  return [middle - half, middle + half].map((x) => x / (1 + z * z / n));
}

const percent = (x) => `${Math.round(100 * x)} %`;

function begin(guess) {
  const about = JSON.parse(guess.querySelector("script").textContent);
  const { trials, rounds, size: [height, width], columns, kinds } = about;
  const answers = Uint8Array.from(atob(about.answers), (letter) => letter.charCodeAt(0));
  const canvas = guess.querySelector("canvas"), pictures = guess.querySelector(".guess-pictures");
  const [realButton, drawnButton] = guess.querySelectorAll(".guess-buttons button");
  const buttons = guess.querySelector(".guess-buttons"), result = guess.querySelector(".guess-result");
  const status = guess.querySelector("[role=status]"), count = guess.querySelector(".guess-count");
  let round = 0, trial = 0, said = [];
  [canvas.width, canvas.height] = [width, height];

  function show() {
    const k = round % rounds * trials + trial;
    canvas.getContext("2d").drawImage(pictures,
      k % columns * width, Math.floor(k / columns) * height, width, height, 0, 0, width, height);
    canvas.setAttribute("aria-label", `Avatar ${trial + 1} of ${trials}`);
    count.textContent = `Avatar ${trial + 1} of ${trials}: real or drawn?`;
  }
  function answer(real) {
    said.push(real);
    if (++trial < trials) {
      status.textContent = `Answer ${trial}: ${real ? "real" : "drawn"}.`;
      return show();
    }
    const truth = answers.subarray(round % rounds * trials, (round % rounds + 1) * trials);
    const right = said.map((real, i) => real === (truth[i] === 0));
    const rows = kinds.map((kind, k) => {
      const of = right.filter((_, i) => truth[i] === k);
      const row = document.createElement("tr");
      for (const text of [kind, of.filter(Boolean).length, of.length])
        row.append(Object.assign(document.createElement("td"), { textContent: text }));
      return row;
    });
    result.querySelector("tbody").replaceChildren(...rows);
    const n = right.filter(Boolean).length, [low, high] = wilson(n, trials);
    count.textContent = `Round ${round + 1} is over.`;
    status.textContent = `${n} of ${trials} right, ${percent(n / trials)}. With so few pictures, your `
      + `true share lies between ${percent(low)} and ${percent(high)} (95 % interval). `
      + (low > 0.5 ? "That is better than a coin." : "A coin could have done this.");
    [buttons.hidden, result.hidden] = [true, false];
    result.querySelector("button").focus();
  }
  realButton.addEventListener("click", () => answer(true));
  drawnButton.addEventListener("click", () => answer(false));
  result.querySelector("button").addEventListener("click", () => {
    [round, trial, said] = [round + 1, 0, []];
    [buttons.hidden, result.hidden] = [false, true];
    status.textContent = "";
    show();
    realButton.focus();
  });
  pictures.decode().then(() => { show(); guess.classList.add("guess-open"); });
}
