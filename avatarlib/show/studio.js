// Runs a generator in the page: the layers in plain loops, and the controls around them.
// Pictures are flat arrays, row by row, channels last. The last axis of every kernel is the
// output's channel. To add a kind of layer, add a function to `layers` and its name to studio.py.

// ------------------------------------------------------------------------------- the network

// What a layer adds up to, before the sums: zeros, or the bias of each channel.
function start(shape, bias) {
  const values = new Float32Array(shape.reduce((a, b) => a * b));
  if (bias) values.forEach((_, i) => { values[i] = bias[i % bias.length]; });
  return values;
}

// One place's channels times one matrix of the kernel: to[at + o] += from[place + i] kernel[i, o].
function multiply(from, place, kernel, tap, inputs, to, at, outputs) {
  let k = tap * inputs * outputs;
  for (let i = 0; i < inputs; i++, k += outputs) {
    const value = from[place + i];
    for (let o = 0; o < outputs; o++) to[at + o] += value * kernel[k + o];
  }
}

// For each place (y, x) of `small` and each tap of the kernel: the place (Y, X) of `large` that the
// tap joins it with, if there is one. Padding is "same": the smaller half of the zeros stands before.
function eachTap(small, large, size, stride, visit) {
  const before = small.slice(0, 2).map(
    (n, axis) => Math.max((n - 1) * stride + size - large[axis], 0) >> 1);
  for (let tap = 0; tap < size * size; tap++) {
    const down = Math.floor(tap / size) - before[0], right = tap % size - before[1];
    for (let y = 0; y < small[0]; y++) {
      const Y = y * stride + down;
      if (Y < 0 || Y >= large[0]) continue;
      for (let x = 0; x < small[1]; x++) {
        const X = x * stride + right;
        if (X >= 0 && X < large[1]) visit(tap, y * small[1] + x, Y * large[1] + X);
      }
    }
  }
}

// Each function: (h, layer, state) -> what the layer makes of h. `layer` holds its weights and
// settings and the shapes `before` and `after` it; `state` the condition and what was painted.
const layers = {
  Dense(h, { kernel, bias, after }) {
    const out = start(after, bias);
    multiply(h, 0, kernel, 0, h.length, out, 0, out.length);
    return out;
  },
  Conv(h, { kernel, bias, size, stride, before, after }) {
    const out = start(after, bias), inputs = before[2], outputs = after[2];
    eachTap(after, before, size, stride, (tap, small, large) =>
      multiply(h, large * inputs, kernel, tap, inputs, out, small * outputs, outputs));
    return out;
  },
  ConvTranspose(h, { kernel, bias, size, stride, before, after }) {
    const out = start(after, bias), inputs = before[2], outputs = after[2];
    eachTap(before, after, size, stride, (tap, small, large) =>
      multiply(h, small * inputs, kernel, tap, inputs, out, large * outputs, outputs));
    return out;
  },
  BatchNorm: (h, { scale, shift }) =>
    h.map((value, i) => value * scale[i % scale.length] + shift[i % scale.length]),
  LeakyReLU: (h, { slope }) => h.map((value) => value > 0 ? value : slope * value),
  Tanh: (h) => h.map(Math.tanh),
  Reshape: (h) => h, // in this order of values, only the shape changes
  Flatten: (h) => h,
  Embed(h, { kernel, after }, { condition }) {
    const out = start(after);
    out.set(h);
    multiply(condition, 0, kernel, 0, condition.length, out, h.length, out.length - h.length);
    return out;
  },
  ToRGB(h, { kernel, bias, channels, before }, state) {
    const [height, width, inputs] = before, old = state.painted;
    const out = start([height, width, channels], bias);
    for (let place = 0; place < height * width; place++) {
      multiply(h, place * inputs, kernel, 0, inputs, out, place * channels, channels);
      const y = Math.floor(place / width) >> 1, x = place % width >> 1; // its pixel half as large
      for (let c = 0; old && c < channels; c++)
        out[place * channels + c] += old[(y * (width >> 1) + x) * channels + c];
    }
    state.painted = out;
    return h;
  },
  SkipOutput: (h, layer, state) => state.painted,
};

// The weights, out of two texts: float32 numbers; and kernels of 12 bits, two values in three
// bytes, from -2047 to 2047, times a float32 for each output channel.
function unpack(network) {
  const bytes = (text) => Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
  const floats = new Float32Array(bytes(network.floats).buffer), packed = bytes(network.kernels);
  let float = 0, byte = 0;
  const take = (n) => floats.subarray(float, float += n);
  const kernel = (shape) => {
    const scale = take(shape.at(-1)), values = start(shape);
    for (let i = 0; i < values.length; i += 2, byte += 3) {
      const [a, b, c] = [packed[byte], packed[byte + 1], packed[byte + 2]];
      values[i] = ((a | (b & 15) << 8) - 2047) * scale[i % scale.length];
      // Beyond the end of an odd number of values, a typed array ignores what it is given.
      values[i + 1] = ((b >> 4 | c << 4) - 2047) * scale[(i + 1) % scale.length];
    }
    return values;
  };
  for (const layer of network.layers)
    for (const [name, shape] of layer.arrays)
      layer[name] = shape.length > 1 ? kernel(shape) : take(shape[0]);
  return network.layers;
}

// Latents and condition (numbers, as long as the network wants them) -> pixels from 0 to 255.
function draw(plan, z, condition) {
  const state = { condition };
  const h = plan.reduce((h, layer) => layers[layer.kind](h, layer, state), Float32Array.from(z));
  return Uint8ClampedArray.from(h, (value) => value * 127.5 + 127.5); // rounds to the nearest
}

// ----------------------------------------------------------------------------------- chance

// mulberry32 (Tommy Ettinger, public domain): a function that gives numbers in [0, 1[.
function numbers(seed) {
  let state = Math.imul(seed, 0x9e3779b1);
  return () => {
    state = state + 0x6d2b79f5 | 0;
    let t = Math.imul(state ^ state >>> 15, state | 1);
    t ^= t + Math.imul(t ^ t >>> 7, t | 61);
    return ((t ^ t >>> 14) >>> 0) / 4294967296;
  };
}

// What face number `face` is drawn from: normal latents (Box and Muller 1958), and a lot for each
// attribute, each value as often as its share. What is asked for replaces lots and changes nothing
// else.
function lots(face, latent, attributes) {
  const next = numbers(face);
  const normal = () => Math.sqrt(-2 * Math.log(1 - next())) * Math.cos(2 * Math.PI * next());
  const z = Float32Array.from({ length: latent }, normal);
  const lot = (shares) => { // how many of the sums s1, s1 + s2, ... are at most a random number
    const at = next();
    let sum = 0;
    return shares.slice(0, -1).filter((share) => (sum += share) <= at).length;
  };
  return { z, drawn: attributes.map(({ shares }) => lot(shares)) };
}

// --------------------------------------------------------------------------------- the page

function show(canvas, pixels, [height, width, channels]) {
  const image = new ImageData(width, height);
  for (let i = 0; i < height * width; i++) {
    for (let c = 0; c < 3; c++) image.data[4 * i + c] = pixels[i * channels + c % channels];
    image.data[4 * i + 3] = 255;
  }
  [canvas.width, canvas.height] = [width, height];
  canvas.getContext("2d").putImageData(image, 0, 0);
}

// The check sum of a PNG chunk (CRC-32, PNG specification, annex D).
function checkSum(bytes) {
  let sum = -1;
  for (const byte of bytes) {
    sum ^= byte;
    for (let bit = 0; bit < 8; bit++) sum = sum & 1 ? sum >>> 1 ^ 0xedb88320 : sum >>> 1;
  }
  return ~sum >>> 0;
}

// A PNG with a text inside: a chunk iTXt (PNG specification, 11.3.4.5) behind the first chunk,
// which ends at byte 33. The five zeros: end of keyword, not compressed, no language, no translation.
function withText(png, keyword, text) {
  const content = new TextEncoder().encode(`iTXt${keyword}\0\0\0\0\0${text}`);
  const chunk = new Uint8Array(content.length + 8), view = new DataView(chunk.buffer);
  view.setUint32(0, content.length - 4);
  chunk.set(content, 4);
  view.setUint32(content.length + 4, checkSum(content));
  return new Blob([png.slice(0, 33), chunk, png.slice(33)], { type: "image/png" });
}

async function save(canvas, name, credit) {
  const large = document.createElement("canvas");
  large.width = large.height = 512;
  const context = large.getContext("2d");
  context.imageSmoothingEnabled = false;
  context.drawImage(canvas, 0, 0, 512, 512);
  let file = await new Promise((done) => large.toBlob(done, "image/png"));
  if (credit) file = withText(await file.arrayBuffer(), "Copyright", credit);
  const link = Object.assign(document.createElement("a"), { download: name });
  link.href = URL.createObjectURL(file);
  link.click();
  setTimeout(URL.revokeObjectURL, 60_000, link.href);
}

function open(studio) {
  // One output may be shown twice in a document; then this script runs for each.
  studio = [...document.querySelectorAll(`#${studio.id}`)].find((one) => !one.begun);
  studio.begun = true;
  const network = JSON.parse(studio.querySelector("script").textContent);
  const { shape, latent, attributes } = network, plan = unpack(network);
  const form = studio.querySelector("form"), { face: number, far } = form.elements;
  const others = [...studio.querySelectorAll(".studio-others button")];
  const canvas = studio.querySelector("canvas");
  let face = 1, later = 0;

  function make(which) {
    const { z, drawn } = lots(which, latent, attributes), asked = new FormData(form);
    const values = drawn.map((lot, i) => Number(asked.get(`attribute-${i}`) || lot));
    const condition = attributes.flatMap(
      ({ values: all }, i) => all.map((_, k) => Number(k === values[i])));
    const words = values.map((k, i) => `${attributes[i].label}: ${attributes[i].values[k]}`);
    return { pixels: draw(plan, far ? z.map((value) => value * far.value) : z, condition), words };
  }
  function update() {
    const { pixels, words } = make(face), first = face - (face - 1) % others.length;
    show(canvas, pixels, shape);
    studio.querySelector("[role=status]").textContent = [`Face ${face}`, ...words].join("; ") + ".";
    number.value = face;
    if (far) {
      far.setAttribute("aria-valuetext", `${Math.round(far.value * 100)} percent`);
      form.querySelector(".studio-far").textContent = `${Math.round(far.value * 100)} %`;
    }
    others.forEach((button, i) => {
      button.setAttribute("aria-label", `Face ${first + i}`);
      button.setAttribute("aria-pressed", first + i === face);
    });
    clearTimeout(later); // the small ones follow one by one, so that the page stays quick
    const follow = (i) => {
      show(others[i].firstElementChild, make(first + i).pixels, shape);
      if (i + 1 < others.length) later = setTimeout(follow, 0, i + 1);
    };
    later = setTimeout(follow, 0, 0);
  }
  function go(to) {
    if (Number.isInteger(to) && to >= 1 && to <= Number(number.max)) face = to;
    update();
  }
  others.forEach((button, i) =>
    button.addEventListener("click", () => go(face - (face - 1) % others.length + i)));
  const [another, keep] = form.querySelectorAll("button");
  another.addEventListener("click", () => go(face + 1));
  keep.addEventListener("click", () => save(canvas, `avatar-face-${face}.png`, network.credit));
  number.addEventListener("change", () => go(Number(number.value)));
  form.addEventListener("input", (event) => { if (event.target !== number) update(); });
  form.addEventListener("submit", (event) => event.preventDefault());
  studio.draw = (z, condition = []) => draw(plan, z, condition);
  update();
  studio.classList.add("studio-open"); // the still picture goes, the controls come
}
