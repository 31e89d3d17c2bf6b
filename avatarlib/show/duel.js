// A GAN of two multilayer perceptrons that trains in the page, in double precision.
// A batch is an array of rows. A network is an array of layers {kernel: [in][out], bias: [out]},
// with a LeakyReLU between any two.

const sigmoid = (l) => 1 / (1 + Math.exp(-l));
const softplus = (l) => Math.max(l, 0) + Math.log1p(Math.exp(-Math.abs(l))); // log(1 + e^l)
const mean = (values) => values.reduce((a, b) => a + b, 0) / values.length;

// ---------------------------------------------------------------------- forwards and backwards

// rows × matrix, and rows × its transpose.
function times(rows, matrix) {
  return rows.map((row) => {
    const out = new Array(matrix[0].length).fill(0);
    row.forEach((x, i) => { for (let o = 0; o < out.length; o++) out[o] += x * matrix[i][o]; });
    return out;
  });
}
const timesTransposed = (rows, matrix) => rows.map((row) =>
  matrix.map((weights) => weights.reduce((sum, w, o) => sum + w * row[o], 0)));

// What each layer was given, the slope of each LeakyReLU where it stood, and what came out.
function forward(layers, x, slope) {
  const given = [], slopes = [];
  layers.forEach(({ kernel, bias }, k) => {
    given.push(x);
    x = times(x, kernel).map((row) => row.map((h, o) => h + bias[o]));
    if (k === layers.length - 1) return;
    slopes.push(x.map((row) => row.map((h) => h > 0 ? 1 : slope)));
    x = x.map((row) => row.map((h) => h > 0 ? h : slope * h));
  });
  return { given, slopes, out: x };
}

const zeros = (layers) => layers.map(({ kernel, bias }) => (
  { kernel: kernel.map((row) => row.map(() => 0)), bias: bias.map(() => 0) }));

// Add what one batch says to `gradient`: sum over rows of (left row) × (right row).
function addProducts(gradient, left, right) {
  left.forEach((row, n) => row.forEach((x, i) => {
    for (let o = 0; o < right[n].length; o++) gradient[i][o] += x * right[n][o];
  }));
}

// The chain rule: from slopes by the outputs to slopes by the inputs; on the way, add those by the
// weights to `gradients`.
function backward(layers, memory, s, gradients) {
  for (let k = layers.length - 1; k >= 0; k--) {
    if (gradients) {
      addProducts(gradients[k].kernel, memory.given[k], s);
      s.forEach((row) => row.forEach((x, o) => { gradients[k].bias[o] += x; }));
    }
    s = timesTransposed(s, layers[k].kernel);
    if (k) s = s.map((row, n) => row.map((x, i) => x * memory.slopes[k - 1][n][i]));
  }
  return s;
}

// The slope of weight/2 · mean ‖∇ℓ(x)‖². Between two kinks the network is linear: ∇ℓ = K₁ u₁ with
// u_k = slopes_k ⊙ K_(k+1) u_(k+1) and u_last = 1. Then ∂½‖∇ℓ‖²/∂K_k = t_(k-1) u_kᵀ, where t_0 = ∇ℓ
// and t_k = slopes_k ⊙ K_kᵀ t_(k-1): the same chain, run forwards. Biases only move the kinks.
function addR1(layers, memory, weight, gradients) {
  const n = memory.out.length, u = [];
  u[layers.length - 1] = memory.out.map(() => [1]);
  for (let k = layers.length - 2; k >= 0; k--)
    u[k] = timesTransposed(u[k + 1], layers[k + 1].kernel)
      .map((row, i) => row.map((x, o) => x * memory.slopes[k][i][o]));
  let t = timesTransposed(u[0], layers[0].kernel).map((row) => row.map((x) => x * weight / n));
  layers.forEach(({ kernel }, k) => {
    addProducts(gradients[k].kernel, t, u[k]);
    if (k < layers.length - 1)
      t = times(t, kernel).map((row, i) => row.map((x, o) => x * memory.slopes[k][i][o]));
  });
}

// Adam as in its paper: epsilon after the correction for the start at zero.
function move(player, gradients, rate, { beta1, beta2, epsilon }) {
  const { layers, m, v } = player, time = ++player.time;
  const late1 = 1 - beta1 ** time, late2 = 1 - beta2 ** time;
  const update = (w, g, m, v) => {
    for (let i = 0; i < w.length; i++) {
      if (Array.isArray(w[i])) { update(w[i], g[i], m[i], v[i]); continue; }
      m[i] = beta1 * m[i] + (1 - beta1) * g[i];
      v[i] = beta2 * v[i] + (1 - beta2) * g[i] * g[i];
      w[i] -= rate * (m[i] / late1) / (Math.sqrt(v[i] / late2) + epsilon);
    }
  };
  layers.forEach((layer, k) => ["kernel", "bias"].forEach((part) =>
    update(layer[part], gradients[k][part], m[k][part], v[k][part])));
}

// ------------------------------------------------------------------------------------- the game

function moveD({ D, G, slope, game }, real, z) {
  const n = real.length, fake = forward(G.layers, z, slope).out, gradients = zeros(D.layers);
  const ofReal = forward(D.layers, real, slope), ofFake = forward(D.layers, fake, slope);
  backward(D.layers, ofReal, ofReal.out.map(([r]) => [-sigmoid(-r) / n]), gradients);
  backward(D.layers, ofFake, ofFake.out.map(([f]) => [sigmoid(f) / n]), gradients);
  if (game.r1) addR1(D.layers, ofReal, game.r1, gradients);
  move(D, gradients, game.rates.D, game);
}

// How the generator's loss changes with each drawn point, before the mean's 1/n.
function pull({ D, slope, game }, fake) {
  const of = forward(D.layers, fake, slope);
  const s = of.out.map(([f]) => [game.loss === "minimax" ? -sigmoid(f) : -sigmoid(-f)]);
  return backward(D.layers, of, s, null);
}

function moveG(duel, z) {
  const { G, slope, game } = duel, of = forward(G.layers, z, slope), gradients = zeros(G.layers);
  const slopes = pull(duel, of.out).map((row) => row.map((x) => x / z.length));
  backward(G.layers, of, slopes, gradients);
  move(G, gradients, game.rates.G, game);
}

function look({ D, G, slope, game }, real, z) {
  const r = forward(D.layers, real, slope).out.map(([l]) => l);
  const f = forward(D.layers, forward(G.layers, z, slope).out, slope).out.map(([l]) => l);
  return {
    real: mean(r.map(sigmoid)), fake: mean(f.map(sigmoid)),
    lossD: mean(r.map((l) => softplus(-l))) + mean(f.map(softplus)),
    lossG: mean(f.map((l) => game.loss === "minimax" ? -softplus(l) : softplus(-l))),
  };
}

// mulberry32 (Tommy Ettinger, public domain): a function that gives numbers in [0, 1[.
function numbers(seed) {
  let state = Math.imul(seed + 1, 0x9e3779b1);
  return () => {
    state = state + 0x6d2b79f5 | 0;
    let t = Math.imul(state ^ state >>> 15, state | 1);
    t ^= t + Math.imul(t ^ t >>> 7, t | 61);
    return ((t ^ t >>> 14) >>> 0) / 4294967296;
  };
}

// ------------------------------------------------------------------------------------- the page

const REACH = 1.9, CELLS = 40, MOVES = 400; // half a side of the plane; of the field; of the log
const LINES = [ // as in duel.css: colour, dashes
  ["real", "#0072b2", []], ["fake", "#d55e00", [14, 8]],
  ["lossD", "#009e73", [3, 6]], ["lossG", "#cc79a7", [16, 5, 3, 5]],
];

// White at one half, orange towards "drawn", blue towards "real".
function colour(probability) {
  const far = Math.abs(2 * probability - 1), [r, g, b] = probability < 0.5 ? [230, 97, 1] : [0, 114, 178];
  return `rgb(${[r, g, b].map((c) => Math.round(255 + 0.55 * far * (c - 255)))})`;
}

function drawPlane(canvas, duel, real, z) {
  const c = canvas.getContext("2d"), side = canvas.width, cell = side / CELLS;
  const at = ([x, y]) => [(x / REACH + 1) * side / 2, (1 - y / REACH) * side / 2];
  const places = Array.from({ length: CELLS * CELLS }, (_, i) => [
    ((i % CELLS + 0.5) / CELLS * 2 - 1) * REACH, (1 - (Math.floor(i / CELLS) + 0.5) / CELLS * 2) * REACH]);
  forward(duel.D.layers, places, duel.slope).out.forEach(([l], i) => {
    c.fillStyle = colour(sigmoid(l));
    c.fillRect(i % CELLS * cell, Math.floor(i / CELLS) * cell, cell + 1, cell + 1);
  });
  c.lineWidth = 2.5;
  c.strokeStyle = "#0072b2";
  c.fillStyle = "#fff";
  for (const point of real) {
    c.beginPath();
    c.arc(...at(point), 6, 0, 7);
    c.fill();
    c.stroke();
  }
  const fake = forward(duel.G.layers, z, duel.slope).out, slopes = pull(duel, fake);
  c.strokeStyle = "#000";
  for (const point of fake) {
    const [x, y] = at(point);
    c.beginPath();
    c.moveTo(x - 6, y - 6); c.lineTo(x + 6, y + 6); c.moveTo(x - 6, y + 6); c.lineTo(x + 6, y - 6);
    c.stroke();
  }
  c.strokeStyle = "#00684c";
  c.lineWidth = 3;
  fake.slice(0, 24).forEach((point, i) => {
    const size = Math.hypot(...slopes[i]);
    if (size < 1e-3) return;
    const length = 0.4 * Math.min(size, 1) / size;
    const [x, y] = at(point), [u, v] = at([point[0] - length * slopes[i][0], point[1] - length * slopes[i][1]]);
    const turn = Math.atan2(v - y, u - x);
    c.beginPath();
    c.moveTo(x, y); c.lineTo(u, v);
    for (const side of [2.6, -2.6]) {
      c.moveTo(u, v);
      c.lineTo(u + 9 * Math.cos(turn + side), v + 9 * Math.sin(turn + side));
    }
    c.stroke();
  });
}

function drawLog(canvas, log) {
  const c = canvas.getContext("2d"), { width, height } = canvas, top = 2.5, left = 44;
  const y = (value) => height - 12 - (height - 24) * Math.min(Math.max(value, 0), top) / top;
  c.clearRect(0, 0, width, height);
  c.font = "22px sans-serif";
  c.fillStyle = "#333";
  c.lineWidth = 1;
  for (const tick of [0, 0.5, 1, 1.5, 2]) {
    c.fillText(tick, 4, y(tick) + 8);
    c.strokeStyle = tick === 0.5 ? "#666" : "#ddd";
    c.setLineDash([]);
    c.beginPath(); c.moveTo(left, y(tick)); c.lineTo(width, y(tick)); c.stroke();
  }
  const shown = log.slice(-MOVES);
  c.lineWidth = 3;
  for (const [name, stroke, dashes] of LINES) {
    c.strokeStyle = stroke;
    c.setLineDash(dashes);
    c.beginPath();
    shown.forEach((entry, i) => c.lineTo(left + i * (width - left) / MOVES, y(entry[name])));
    c.stroke();
  }
}

function open(figure) {
  // One output may be shown twice in a document; then this script runs for each.
  figure = [...document.querySelectorAll(`#${figure.id}`)].find((one) => !one.begun);
  figure.begun = true;
  const about = JSON.parse(figure.querySelector("script").textContent);
  const form = figure.querySelector("form"), controls = form.elements;
  const [plane, chart] = figure.querySelectorAll("canvas"), status = form.querySelector("p");
  const button = (value) => form.querySelector(`button[value="${value}"]`);
  const calm = matchMedia("(prefers-reduced-motion: reduce)");
  let duel, log, next, running = false;

  const normal = () => Math.sqrt(-2 * Math.log(1 - next())) * Math.cos(2 * Math.PI * next());
  const latents = (n) => Array.from({ length: n }, () => Array.from({ length: about.latent }, normal));
  const batch = (n) => Array.from({ length: n }, () => about.real[Math.floor(next() * about.real.length)]);
  let probe;

  function start() {
    const player = (layers) => (
      { layers: structuredClone(layers), m: zeros(layers), v: zeros(layers), time: 0 });
    const { G, D } = about.players;
    duel = { G: player(G), D: player(D), slope: about.slope, game: duel?.game ?? structuredClone(about.game) };
    [log, next] = [[], numbers(about.seed)];
    probe = { real: about.real.slice(0, 200), z: latents(200) };
    log.push(look(duel, probe.real, probe.z));
    show("At the start");
  }
  function step(who, real, z) {
    if (who.includes("D")) moveD(duel, real, z);
    if (who.includes("G")) moveG(duel, z);
  }
  function play(who, times) {
    for (let i = 0; i < times; i++) {
      step(who, batch(duel.game.batch), latents(duel.game.batch));
      log.push(look(duel, probe.real, probe.z));
    }
  }
  const moves = () => `Moves: D ${duel.D.time}, G ${duel.G.time}`;
  function show(what) {
    const { real, fake, lossD, lossG } = log.at(-1);
    const numbers = `D(x) = ${real.toFixed(2)}, D(G(z)) = ${fake.toFixed(2)}, `
      + `loss of D ${lossD.toFixed(2)}, loss of G ${lossG.toFixed(2)}`;
    drawPlane(plane, duel, probe.real, probe.z);
    drawLog(chart, log);
    plane.setAttribute("aria-label", `Real and drawn points on the discriminator's opinion. ${moves()}.`);
    chart.setAttribute("aria-label", `The log, at its end: ${numbers}.`);
    if (!what) return;
    status.textContent = `${what}. ${moves()}. ${numbers}.`;
  }
  function setRates() {
    for (const who of ["D", "G"]) {
      const rate = Number((10 ** controls[`rate-${who}`].value).toPrecision(2));
      duel.game.rates[who] = rate;
      form.querySelector(`[data-shown=${who}]`).textContent = rate;
      controls[`rate-${who}`].setAttribute("aria-valuetext", rate);
    }
    duel.game.loss = controls.loss.value;
    duel.game.r1 = Number(controls.r1.value);
  }
  function pause() {
    running = false;
    button("run").textContent = "Run";
    button("run").setAttribute("aria-pressed", false);
  }
  function frame() {
    if (!running) return;
    const until = performance.now() + 25;
    do play("DG", 1); while (performance.now() < until);
    show("");
    requestAnimationFrame(frame);
  }
  const words = { D: "The discriminator moved", G: "The generator moved", DG: "Both moved" };
  for (const who of ["D", "G", "DG"])
    button(who).addEventListener("click", () => {
      pause();
      play(who, Number(controls.times.value));
      show(words[who]);
    });
  button("run").addEventListener("click", () => {
    if (running) { pause(); return show("Paused"); }
    if (calm.matches) { play("DG", 50); return show("Both moved 50 times"); }
    running = true;
    button("run").textContent = "Pause";
    button("run").setAttribute("aria-pressed", true);
    status.textContent = "Running.";
    requestAnimationFrame(frame);
  });
  button("again").addEventListener("click", () => { pause(); start(); });
  form.addEventListener("input", setRates);
  form.addEventListener("submit", (event) => event.preventDefault());

  const { rates, loss, r1 } = about.game;
  for (const who of ["D", "G"]) controls[`rate-${who}`].value = Math.log10(rates[who]).toFixed(1);
  controls.loss.value = loss;
  if (![...controls.r1.options].some((option) => Number(option.value) === r1))
    controls.r1.add(new Option(r1));
  controls.r1.value = String(r1);
  start();
  for (const who of ["D", "G"]) {
    form.querySelector(`[data-shown=${who}]`).textContent = rates[who];
    controls[`rate-${who}`].setAttribute("aria-valuetext", rates[who]);
  }
  figure.step = step; // for tests: step("DG", real, latents)
  figure.weights = () => ({ G: duel.G.layers, D: duel.D.layers });
  figure.classList.add("duel-open");
}
