// One picture at a time, two buttons, and at the end of a round what the answers say.

// The 95 % interval of a share: `right` of `n` (Wilson 1927).
function wilson(right, n) {
  const z = 1.959964, share = right / n, middle = share + z * z / (2 * n);
  const half = z * Math.sqrt(share * (1 - share) / n + z * z / (4 * n * n));
  return [middle - half, middle + half].map((x) => x / (1 + z * z / n));
}

const percent = (x) => `${Math.round(100 * x)} %`;

function begin(guess) {
  // One output may be shown twice in a document; then this script runs for each.
  guess = [...document.querySelectorAll(`#${guess.id}`)].find((one) => !one.begun);
  guess.begun = true;
  const about = JSON.parse(guess.querySelector("script").textContent);
  const { trials, rounds, size: [height, width], columns, kinds } = about;
  const answers = Uint8Array.from(atob(about.answers), (letter) => letter.charCodeAt(0));
  const canvas = guess.querySelector("canvas"), pictures = guess.querySelector(".guess-pictures");
  const [realButton, drawnButton] = guess.querySelectorAll(".guess-buttons button");
  const buttons = guess.querySelector(".guess-buttons"), result = guess.querySelector(".guess-result");
  const status = guess.querySelector("[role=status]"), count = guess.querySelector(".guess-count");
  let round = 0, trial = 0, said = [];
  [canvas.width, canvas.height] = [width, height];

  function draw(canvas, trial) {
    const k = round % rounds * trials + trial;
    canvas.getContext("2d").drawImage(pictures,
      k % columns * width, Math.floor(k / columns) * height, width, height, 0, 0, width, height);
  }
  // What the avatar was, in words, and a mark if the answer was wrong: the eye learns from both.
  function reveal(kind, right, i) {
    const item = document.createElement("li"), words = document.createElement("span");
    const picture = Object.assign(document.createElement("canvas"), { width, height });
    picture.setAttribute("aria-hidden", "true");
    draw(picture, i);
    words.textContent = `${kind ? "drawn" : "real"} ${right ? "✓" : "✗"}`;
    item.title = kinds[kind];
    item.setAttribute("aria-label", `${kinds[kind]}, your answer was ${right ? "right" : "wrong"}`);
    item.classList.toggle("guess-wrong", !right);
    item.append(picture, words);
    return item;
  }
  function show() {
    draw(canvas, trial);
    canvas.setAttribute("aria-label", `Avatar ${trial + 1} of ${trials}`);
    count.textContent = `Avatar ${trial + 1} of ${trials}: real (R) or drawn (D)?`;
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
    result.querySelector("ol").replaceChildren(...right.map((r, i) => reveal(truth[i], r, i)));
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
  // One key an answer, as long as the focus is on a button of this game and nowhere else.
  buttons.addEventListener("keydown", (event) => {
    const key = event.key.toLowerCase();
    if (event.ctrlKey || event.metaKey || event.altKey || event.repeat || !"rd".includes(key)) return;
    answer(key === "r");
  });
  result.querySelector("button").addEventListener("click", () => {
    [round, trial, said] = [round + 1, 0, []];
    [buttons.hidden, result.hidden] = [false, true];
    status.textContent = "";
    show();
    realButton.focus();
  });
  pictures.decode().then(() => { show(); guess.classList.add("guess-open"); });
}
