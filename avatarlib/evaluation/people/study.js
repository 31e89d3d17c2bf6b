// A blinded study: one avatar at a time, drawn by a designer or made by a machine?

// Every word that people read. Another language is another entry.
const WORDS = {
  en: {
    name: "English",
    title: "Designer or machine?",
    alt: "avatar {i} of {n}", altPractice: "practice avatar {i} of {n}",
    count: "Avatar {i} of {n}", countPractice: "Practice {i} of {n}",
    ask: "Who made this avatar?",
    progress: "progress",
    drawn: "Drawn by a designer", machine: "Made by a machine",
    welcome: ["Welcome",
      "You will see {n} small avatars, one at a time. Designers drew some of them. The others were made by a machine: a computer program that learned from designers’ drawings. You say which are which.",
      "This takes about {minutes} minutes. Nothing hurries you, and you may pause, or stop for good, at any time and without a reason.",
      "Recorded are your answers, how long each took, the date and a random number in place of your name. Nothing is recorded about you or your device.",
      "Nothing leaves this device by itself. Your answers stay in this browser; at the end you save them as one file, and it is you who hands it in or not.",
    ],
    how: ["How it works",
      "Look at each avatar as long as you like. Then choose: “Drawn by a designer”, key F, or “Made by a machine”, key J. With the Tab key you reach all buttons.",
      "Some avatars are hard to tell. Then choose what you think is more likely. An answer cannot be taken back.",
    ],
    howPractice: "The first {practice} are for practice: after each of them you learn who made it. Later you will not.",
    rightDrawn: "Right. A designer drew this one.", rightMachine: "Right. A machine made this one.",
    wrongDrawn: "Not quite. A designer drew this one.", wrongMachine: "Not quite. A machine made this one.",
    ready: ["The practice is over", "Now come the {n} avatars that count, without a word about who made them.", "About half of them were drawn by designers."],
    rest: ["Half way", "{i} of {n} are done. Rest your eyes for as long as you like."],
    pause: ["Paused", "{i} of {n} are done. The picture is hidden, and no time is counted. Your answers stay in this browser even if you close the page."],
    end: ["Thank you!", "Save your answers and give the file to whoever gave you this page.",
      "How many were right? This page does not know, and that is on purpose: whoever has heard the result might help the next person’s eye. Ask when everybody has taken part."],
    stopped: "You stopped after {i} of {n}. You may still save these answers, or go on.",
    saved: "{file} is saved, probably in the folder for downloads. If you cannot find it, copy the text below.",
    copied: "The text is copied.",
    export: "If saving does not work, copy this text and send it:",
    elsewhere: ["Open in another tab", "This study is open in another tab or window of this browser. No answer is lost. Close one of the two; to go on in this one, press the button."],
    anew: ["Somebody else’s turn?", "The answers in this browser will be erased. If they are to count, save them first."],
    buttons: {
      agree: "I agree to take part", practise: "Start the practice", begin: "Begin", next: "Next", on: "Go on",
      pause: "Pause", stop: "Stop here", save: "Save my answers", copy: "Copy the text",
      anew: "Start anew as another person", erase: "Erase and start anew", back: "Back", here: "Go on here",
    },
  },
  zh: {
    name: "中文",
    title: "设计师还是机器？",
    alt: "头像 {i}，共 {n} 张", altPractice: "练习头像 {i}，共 {n} 张",
    count: "第 {i} 张，共 {n} 张", countPractice: "练习第 {i} 张，共 {n} 张",
    ask: "这张头像是谁做的？",
    progress: "进度",
    drawn: "设计师画的", machine: "机器生成的",
    welcome: ["欢迎",
      "您将逐一看到 {n} 张小头像。其中一些是设计师画的，另一些是机器生成的，即由一个学习过设计师作品的计算机程序生成。请您判断每一张属于哪一种。",
      "大约需要 {minutes} 分钟。不限时间；您可以随时暂停，也可以随时退出，无需说明理由。",
      "只记录您的回答、每次回答所用的时间、日期，以及一个代替姓名的随机编号。不记录任何关于您或您设备的信息。",
      "任何数据都不会自动离开这台设备。您的回答保存在此浏览器中；结束时您把它们存成一个文件，是否提交由您决定。",
    ],
    how: ["怎样进行",
      "每张头像想看多久就看多久，然后选择：“设计师画的”（F 键）或“机器生成的”（J 键）。用 Tab 键可以到达所有按钮。",
      "有些头像很难分辨，那就选您认为更有可能的一项。回答之后不能更改。",
    ],
    howPractice: "前 {practice} 张是练习：每答一张，就会告诉您它是谁做的。正式开始后不再告知。",
    rightDrawn: "答对了，这张是设计师画的。", rightMachine: "答对了，这张是机器生成的。",
    wrongDrawn: "不对，这张是设计师画的。", wrongMachine: "不对，这张是机器生成的。",
    ready: ["练习结束", "下面是正式的 {n} 张头像，不再告知是谁做的。", "其中大约一半是设计师画的。"],
    rest: ["已完成一半", "已完成 {i} 张，共 {n} 张。让眼睛休息一下，想休息多久都可以。"],
    pause: ["已暂停", "已完成 {i} 张，共 {n} 张。图片已隐藏，也不计时。即使关闭网页，您的回答仍保存在此浏览器中。"],
    end: ["谢谢您！", "请保存您的回答，并把文件交给发给您这个网页的人。",
      "答对了多少？本网页不知道，这是有意的：听到结果的人可能会影响下一位参与者。等大家都参加完以后再问吧。"],
    stopped: "您在 {n} 张中的第 {i} 张之后停下了。您仍可保存这些回答，也可以继续。",
    saved: "已保存 {file}，通常在“下载”文件夹中。如果找不到，请复制下面的文字。",
    copied: "文字已复制。",
    export: "如果无法保存文件，请复制这段文字并发送：",
    elsewhere: ["已在另一个标签页中打开", "本研究已在此浏览器的另一个标签页或窗口中打开，您的回答没有丢失。请关闭其中一个；如果想在这里继续，请按下面的按钮。"],
    anew: ["换一个人？", "此浏览器中的回答将被删除。如果需要保留，请先保存。"],
    buttons: {
      agree: "我同意参加", practise: "开始练习", begin: "开始", next: "下一张", on: "继续",
      pause: "暂停", stop: "到此为止", save: "保存我的回答", copy: "复制文字",
      anew: "换一个人重新开始", erase: "删除并重新开始", back: "返回", here: "在这里继续",
    },
  },
};
const GAP = 200; // milliseconds without a picture, so that each one appears anew
const REST = 40; // from so many avatars on there is a rest half way

// The numbers below n in random order, a function of the seed (mulberry32, then Fisher and Yates).
function shuffled(n, seed) {
  const order = Array.from({ length: n }, (_, i) => i);
  for (let i = n - 1; i > 0; i--) {
    seed = (seed + 0x6d2b79f5) | 0;
    let t = Math.imul(seed ^ (seed >>> 15), 1 | seed);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    const j = Math.floor(((t ^ (t >>> 14)) >>> 0) / 4294967296 * (i + 1));
    [order[i], order[j]] = [order[j], order[i]];
  }
  return order;
}

function begin(root) {
  // One output may be shown twice in a document; then this script runs for each.
  root = [...document.querySelectorAll(`#${root.id}`)].find((one) => !one.begun);
  root.begun = true;
  const about = JSON.parse(root.querySelector("script").textContent);
  const n = about.pictures.length, practice = about.practice.length;
  const find = (selector) => root.querySelector(selector);
  const image = find("img"), head = find(".study-head"), status = find(".study-status");
  const place = `avatarlib.study ${about.study}`; // in the browser's storage
  const writer = crypto.getRandomValues(new Uint32Array(2)).join(); // our name in what is stored
  let state, since = null, turns = 0;

  // ----------------------------------------------------------------------- what is remembered

  function newcomer(language) {
    const random = crypto.getRandomValues(new Uint32Array(3));
    const person = [...random.subarray(1)].map((x) => x.toString(16).padStart(8, "0")).join("");
    return {
      language, step: "welcome", person, seed: random[0], order: shuffled(n, random[0]),
      started: null, practice: [], trials: [], spent: 0,
    };
  }
  // A browser may refuse to store anything; then the study runs all the same.
  function keep() {
    if (!state.started || state.step === "elsewhere") return;
    try { localStorage.setItem(place, JSON.stringify({ ...state, writer })); } catch { /* see above */ }
  }
  function restore() {
    try { return JSON.parse(localStorage.getItem(place)); } catch { return null; }
  }
  // Whoever opened the study last, in whatever tab, writes; all others stop and say so.
  const isOurs = () => (restore()?.writer ?? writer) === writer;
  function takeOver() {
    const language = state?.language ?? (navigator.language.startsWith("zh") ? "zh" : "en");
    state = restore() ?? newcomer(language);
    if (asks()) [state.paused, state.step] = [state.step, "pause"];
  }
  function forget() {
    try { localStorage.removeItem(place); } catch { /* see above */ }
  }
  function answersAsText() {
    const { person, language, started, seed, order, trials, practice } = state;
    return JSON.stringify({
      format: "avatarlib.study/1", study: about.study, person, language, started, seed, order, trials, practice,
    });
  }

  // -------------------------------------------------------------------------- what is shown

  const asks = () => state.step === "practice" || state.step === "main";
  const done = () => state.trials.length;
  const screens = {
    welcome: { go: "agree" },
    how: { go: practice ? "practise" : "begin" },
    practice: { buttons: ["pause"] },
    feedback: { go: "next" },
    ready: { go: "begin" },
    main: { buttons: ["pause"] },
    rest: { go: "on" },
    pause: { go: "on", buttons: ["stop", "anew"] },
    end: { buttons: ["save", "anew"] },
    anew: { buttons: ["erase", "back"] },
    elsewhere: { go: "here" },
  };

  function source() {
    if (state.step === "practice") return about.practice[state.practice.length].picture;
    if (state.step === "feedback") return about.practice[state.practice.length - 1].picture;
    return state.step === "main" ? about.pictures[state.order[done()]] : null;
  }

  function feedback() {
    const said = state.practice.at(-1).machine, truth = about.practice[state.practice.length - 1].machine;
    return (said === truth ? "right" : "wrong") + (truth ? "Machine" : "Drawn");
  }

  // All words of the step we are at; called anew when the language changes.
  function write() {
    const words = WORDS[state.language], step = state.step, screen = screens[step];
    const learning = ["practice", "feedback"].includes(step === "pause" ? state.paused : step);
    const [answered, of] = learning ? [state.practice.length, practice] : [done(), n];
    const i = answered + asks();
    const minutes = Math.ceil(2 + (n + practice) / 15);
    const say = (text) => text.replace(/\{(\w+)\}/g, (_, name) => ({ i, n: of, practice, minutes })[name]);

    root.lang = state.language;
    find(".study-title").textContent = about.title ?? words.title;
    if (about.page) [document.documentElement.lang, document.title] = [state.language, about.title ?? words.title];
    const [first, ...rest] = words[step] ?? [learning ? words.countPractice : words.count];
    const paragraphs = rest.map(say);
    if (step === "how" && practice) paragraphs.splice(1, 0, say(words.howPractice));
    if (step === "end" && done() < n) paragraphs.unshift(say(words.stopped));
    if (step === "feedback") paragraphs.push(words[feedback()]);
    if (asks()) paragraphs.push(words.ask);
    head.textContent = say(first);
    find(".study-words").replaceChildren(...paragraphs.map((text) =>
      Object.assign(document.createElement("p"), { textContent: text })));

    const progress = find("progress");
    progress.hidden = ["welcome", "how", "end", "anew", "elsewhere"].includes(step);
    progress.max = of;
    progress.value = answered;
    progress.setAttribute("aria-label", words.progress);
    progress.setAttribute("aria-valuetext", head.textContent);
    find(".study-picture").hidden = !source();
    image.alt = say(learning ? words.altPractice : words.alt);
    find(".study-answers").hidden = !asks();
    find(".study-answers").setAttribute("aria-label", words.ask);
    for (const name of ["drawn", "machine"]) find(`[value=${name}] span`).textContent = words[name];
    const other = WORDS[state.language === "en" ? "zh" : "en"];
    Object.assign(find("[value=language]"), { textContent: other.name, lang: state.language === "en" ? "zh" : "en" });
    for (const button of root.querySelectorAll(".study-buttons button")) {
      const name = button.value;
      button.hidden = !(name === "go" ? screen.go : screen.buttons?.includes(name));
      button.textContent = words.buttons[name === "go" ? screen.go : name];
    }
    if (step === "end" && done() < n) {
      find("[value=back]").hidden = false;
      find("[value=back]").textContent = words.buttons.on;
    }
    find(".study-export").hidden = step !== "end";
    find("label span").textContent = words.export;
    find("textarea").value = step === "end" ? answersAsText() : "";
    find("[value=copy]").textContent = words.buttons.copy;
  }

  // The picture, after a short gap; only from then on an answer counts.
  async function present() {
    const turn = ++turns;
    since = null;
    image.style.visibility = "hidden";
    image.src = `data:image/png;base64,${source()}`;
    const drawn = image.decode().catch(() => {}); // whoever pauses and goes on asks for it again
    await Promise.all([drawn, new Promise((resolve) => setTimeout(resolve, GAP))]);
    requestAnimationFrame(() => {
      if (turn !== turns) return;
      image.style.visibility = "visible";
      since = performance.now();
      status.textContent = image.alt;
    });
  }

  function show(step, focus = step !== state.step) {
    state.step = step;
    if (!asks()) [turns, since] = [turns + 1, null];
    keep();
    write();
    status.textContent = step === "feedback" ? find(".study-words").textContent : "";
    if (asks()) present();
    if (focus) (step === "feedback" ? find("[value=go]") : head).focus({ preventScroll: !about.page });
  }

  // -------------------------------------------------------------------------- what people do

  function answer(machine) {
    if (since === null) return;
    const ms = Math.round(10 * (state.spent + performance.now() - since)) / 10;
    state.spent = 0;
    if (state.step === "practice") {
      state.practice.push({ picture: state.practice.length, machine, ms });
      return show("feedback");
    }
    state.trials.push({ picture: state.order[done()], machine, ms });
    show(done() === n ? "end" : n >= REST && done() === Math.ceil(n / 2) ? "rest" : "main");
  }

  function pause(focus) {
    if (!asks()) return;
    if (since !== null) state.spent += performance.now() - since;
    state.paused = state.step;
    show("pause", focus);
  }

  function save() {
    const name = `study-answers-${state.person}.json`, link = document.createElement("a");
    link.href = URL.createObjectURL(new Blob([answersAsText()], { type: "application/json" }));
    link.download = name;
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
    status.textContent = WORDS[state.language].saved.replace("{file}", name);
  }

  function copy() {
    find("textarea").select();
    // The newer navigator.clipboard is missing where a page was not served securely.
    if (document.execCommand("copy")) status.textContent = WORDS[state.language].copied;
  }

  function go() {
    if (state.step === "elsewhere") {
      takeOver();
      return show(state.step, true);
    }
    if (state.step === "welcome") state.started = new Date().toISOString().slice(0, 10);
    if (state.step === "pause") return show(state.paused);
    if (state.step === "feedback") return show(state.practice.length < practice ? "practice" : "ready");
    show({ welcome: "how", how: practice ? "practice" : "main", ready: "main", rest: "main" }[state.step]);
  }

  const actions = {
    go, save, copy,
    drawn: () => answer(false),
    machine: () => answer(true),
    pause: () => pause(true),
    stop: () => show("end"),
    anew: () => { state.before = state.step; show("anew"); },
    back: () => show(state.step === "anew" ? state.before : state.paused),
    erase: () => { forget(); state = newcomer(state.language); show("welcome", true); },
    language: () => { state.language = state.language === "en" ? "zh" : "en"; keep(); write(); },
  };
  // Nothing is done where another tab writes; its answers would be lost, or ours.
  function act(name) {
    if (isOurs() || (state.step === "elsewhere" && ["go", "language"].includes(name))) actions[name]?.();
    else show("elsewhere");
  }
  addEventListener("storage", () => { if (!isOurs()) show("elsewhere", false); });
  root.addEventListener("click", (event) => act(event.target.closest("button")?.value));
  // On a page of its own the letters always answer; elsewhere only while the focus is in here.
  (about.page ? document : root).addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.repeat || !asks()) return;
    // The place of the key, too: other alphabets have other letters there.
    if (event.key.toLowerCase() === "f" || event.code === "KeyF") act("drawn");
    if (event.key.toLowerCase() === "j" || event.code === "KeyJ") act("machine");
  });
  document.addEventListener("visibilitychange", () => {
    if (!isOurs()) show("elsewhere", false);
    else if (document.hidden) pause(root.contains(document.activeElement));
  });

  const zoom = Math.max(1, Math.floor(320 / image.width));
  find(".study-picture").style.maxWidth = `${zoom * image.width}px`;
  takeOver();
  root.classList.add("study-open");
  show(state.step, false);
}
