"use strict";
// The page of one run. Everything from the run becomes a text node: nothing in this file makes markup out of text.
(() => {
  const $ = (id) => document.getElementById(id);
  const blocks = [...document.querySelectorAll("script[data-name]")];
  const index = JSON.parse(blocks.find((b) => b.dataset.name === "index").textContent);
  const lines = [], cellLines = [], texts = [];
  for (const block of blocks) {
    const into = { events: lines, cells: cellLines, texts }[block.dataset.name];
    if (into) for (const line of block.textContent.split("\n")) if (line) into.push(line);
    block.remove();
  }
  const { kind: kindOf, dialog: dialogOf, ms: msOf, flags: flagsOf, owner: ownerOf } = index.columns;
  const PRUNED = 1, PROBLEM = 2;
  const shownWith = (row) => (ownerOf[row] >= 0 ? ownerOf[row] : row);
  const owned = new Map(); // a row -> the rows that are shown within it
  ownerOf.forEach((owner, row) => { if (owner >= 0) owned.has(owner) ? owned.get(owner).push(row) : owned.set(owner, [row]); });

  // --- events: parsed when they are looked at ---------------------------------------------------------------------

  /** Return what a line holds, with the letters of its pictures, which stand in the page once each. */
  const parse = (line) => JSON.parse(line.replace(/§(\d+)§/g, (_, at) => texts[at]));
  const parsed = new Map();
  function eventAt(row) {
    if (!parsed.has(row)) {
      if (parsed.size > 3000) parsed.clear();
      parsed.set(row, parse(lines[row]));
    }
    return parsed.get(row);
  }
  const textOf = (value) => (value === undefined || value === null ? "" : typeof value === "string" ? value : JSON.stringify(value));
  const objectOf = (value) => (value && typeof value === "object" && !Array.isArray(value) ? value : {});
  const listOf = (value) => (Array.isArray(value) ? value : []);

  // --- small things -----------------------------------------------------------------------------------------------

  // Signs that nobody would see, or that turn the direction of writing, are shown as what they are.
  const UNSEEN = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u061c\u200e\u200f\u2028\u2029\u202a-\u202e\u2066-\u2069\ud800-\udfff]/g;
  const PAIR = /[\ud800-\udbff][\udc00-\udfff]|[\s\S]/g;
  function visible(text) {
    text = text.replace(/\r\n/g, "\n");
    if (text.search(UNSEEN) < 0) return text;
    return text.replace(PAIR, (sign) => (sign.length > 1 || sign.search(UNSEEN) < 0 ? sign : shownSign(sign.charCodeAt(0))));
  }
  const shownSign = (code) => (code < 32 ? String.fromCharCode(0x2400 + code) : "\\u" + code.toString(16).padStart(4, "0"));

  function el(tag, name, ...children) {
    const node = document.createElement(tag);
    if (name) node.className = name;
    node.append(...children.filter((child) => child !== null && child !== undefined));
    return node;
  }
  function button(name, text, act) {
    const node = el("button", name, text);
    node.type = "button";
    node.addEventListener("click", (event) => { event.stopPropagation(); act(node); });
    return node;
  }
  const number = (value) => Number(value).toLocaleString("en-US");
  function took(ms) {
    if (ms < 1000) return `${ms < 10 ? ms.toFixed(1) : Math.round(ms)} ms`;
    if (ms < 60000) return `${(ms / 1000).toFixed(ms < 10000 ? 2 : 1)} s`;
    const minutes = Math.floor(ms / 60000);
    return minutes < 60 ? `${minutes} min ${Math.round((ms % 60000) / 1000)} s` : `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
  }
  const preview = (text, limit) => { const line = visible(text.slice(0, limit * 2)).replace(/\s+/g, " ").trim(); return line.length > limit ? line.slice(0, limit) + "…" : line; };

  let query = "";
  /** Return nodes for a text, with what is searched for marked. */
  function marked(text) {
    if (!query) return [text];
    const found = [], low = text.toLowerCase();
    let from = 0;
    for (let at = low.indexOf(query); at >= 0 && found.length < 400 && low.length === text.length; at = low.indexOf(query, from)) {
      found.push(text.slice(from, at), el("mark", "", text.slice(at, at + query.length)));
      from = at + query.length;
    }
    return [...found, text.slice(from)];
  }

  const STEP = 6000;
  /** Return a block of text: its beginning, and more of it when that is asked for. */
  function textBlock(text, isMono) {
    const pre = el("pre", "");
    const box = el("div", isMono ? "text mono" : "text", pre);
    let shown = 0;
    const grow = (size) => { pre.append(...marked(visible(text.slice(shown, shown + size)))); shown += size; };
    grow(STEP);
    const isLong = text.length > 1800 || text.split("\n", 16).length > 15;
    if (isLong) {
      pre.className = "clip";
      const label = () => (shown < text.length ? `Show more (${number(text.length - shown)} characters left)` : "Show less");
      const more = button("more", text.length > STEP ? label() : "Show all", () => {
        if (pre.className === "clip") pre.className = "";
        else if (shown >= text.length) pre.className = "clip";
        if (pre.className !== "clip" && shown < text.length) grow(200000);
        more.textContent = pre.className === "clip" ? "Show all" : label();
      });
      box.append(more);
    }
    return box;
  }
  const pretty = (value) => JSON.stringify(value, null, 2);
  function seqLink(row) {
    const link = button("seq", `#${row + 1}`, () => openEvent(row));
    link.title = "The event itself";
    return link;
  }
  const RASTERS = ["image/png", "image/jpeg", "image/gif", "image/webp"];
  /** Return a picture, if it is one that holds pixels alone; those of messages were judged when the page was written. */
  function picture(image) {
    const kind = textOf(objectOf(image).media_type), data = textOf(objectOf(image).base64), url = textOf(objectOf(image).url);
    if (!RASTERS.includes(kind) || !/^[A-Za-z0-9+/\s]+={0,2}\s*$/.test(data)) return el("p", "dim", `a picture that is not shown: ${preview(url || kind, 200)}`);
    const node = el("img", "picture");
    node.alt = `picture, ${kind}`;
    node.loading = "lazy";
    node.src = `data:${kind};base64,${data}`;
    return node;
  }

  const pictures = (row, message) => listOf(message.images).map((image, at) => picture(listOf(index.pictures[row])[at] ? image : { ...objectOf(image), base64: "" }));

  // --- long lists: only what is near the window is in the document ------------------------------------------------

  class Lazy {
    constructor(box, root, size, rowHeight, render) {
      Object.assign(this, { box, size, rowHeight, render, rows: [], chunks: [] });
      this.watch = new IntersectionObserver((seen) => seen.forEach((one) => this.fill(one.target, one.isIntersecting)), { root, rootMargin: "1500px 0px" });
    }
    show(rows) {
      this.watch.disconnect();
      this.rows = rows;
      this.chunks = [];
      for (let from = 0; from < rows.length; from += this.size) {
        const chunk = el("div", "chunk");
        chunk.from = from;
        chunk.style.minHeight = `${Math.min(this.size, rows.length - from) * this.rowHeight}px`;
        this.chunks.push(chunk);
      }
      this.box.replaceChildren(...this.chunks);
      this.chunks.forEach((chunk) => this.watch.observe(chunk));
      if (this.chunks.length) this.fill(this.chunks[0], true);
    }
    fill(chunk, isNear) {
      if (isNear && !chunk.firstChild) {
        chunk.append(...this.rows.slice(chunk.from, chunk.from + this.size).map((row, at) => this.render(row, chunk.from + at)));
        chunk.style.minHeight = "";
      } else if (!isNear && chunk.firstChild && !chunk.contains(document.activeElement)) {
        chunk.style.minHeight = `${chunk.offsetHeight}px`;
        chunk.replaceChildren();
      }
    }
    /** Return the node of a row, made if need be; null when the list does not have it. */
    node(row) {
      const at = this.rows.indexOf(row);
      if (at < 0) return null;
      const chunk = this.chunks[Math.floor(at / this.size)];
      this.fill(chunk, true);
      return chunk.children[at - chunk.from] || null;
    }
  }

  // --- the head ---------------------------------------------------------------------------------------------------

  function buildHead() {
    const opened = index.ends.open === undefined ? {} : eventAt(index.ends.open).data;
    const closed = index.ends.close === undefined ? {} : eventAt(index.ends.close).data;
    const status = { ok: "ok", failed: "failed" }[index.status] || "not closed";
    const task = textOf(opened.task) || "A run without a task";
    const head = $("head");
    const name = el("div", "name", el("span", `pill ${index.status}`, status), index.session);
    if (index.agent_type) name.append(el("span", "", `agent type ${preview(index.agent_type, 60)}`));
    name.append(el("span", "", new Date(index.start * 1000).toISOString().slice(0, 19).replace("T", " ") + " UTC"));
    head.append(name, el("h1", "", preview(task, 400)));
    if (task.length > 400) head.append(details("The whole task", () => textBlock(task)));
    if (index.damage) head.append(el("p", "banner failed", el("b", "", "Not the whole run. "), visible(index.damage)));
    if (index.status === "open") head.append(el("p", "banner", "This session is not closed: its process died, or it still runs. What follows is what was logged."));
    if (index.parent) head.append(el("p", "banner", `Forked from ${preview(textOf(index.parent[0]), 140)} after event #${index.parent[1]}.`));
    const counts = index.counts;
    const stats = [
      [took(index.wall_ms), "duration"],
      [number(counts["model.reply"]), "model replies"],
      [number(counts["function.call"]), "function calls"],
      [`${number(index.tokens[0])} + ${number(index.tokens[1])}`, "tokens in + out"],
      [index.cost_usd === null ? "unknown" : `$${index.cost_usd.toFixed(4)}`, "cost"],
      [number(index.dialogs.length), "dialogs"],
      [number(lines.length), "events"],
    ];
    const problems = flagsOf.reduce((sum, flags, row) => sum + (flags & PROBLEM && ownerOf[row] < 0 ? 1 : 0), 0);
    if (problems) stats.push([number(problems), "problems"]);
    head.append(el("div", "stats", ...stats.map(([value, told]) => el("div", told === "problems" ? "bad" : "", el("b", "", value), el("span", "", told)))));
    if (index.status === "ok" && "result" in closed) head.append(outcome("Result", textOf(closed.result), ""));
    if (index.status === "failed") head.append(outcome("Failed", textOf(closed.error), "failed"));
  }
  const outcome = (title, text, kind) => el("div", `outcome ${kind}`, el("h2", "", title), textBlock(text || "(nothing)"));
  /** Return a fold whose content is made when it is opened. */
  function details(title, make, isOpen) {
    const node = el("details", "", el("summary", "", title));
    node.addEventListener("toggle", () => { if (node.open && node.children.length === 1) node.append(make()); });
    if (isOpen) { node.append(make()); node.open = true; }
    return node;
  }

  // --- the side: dialogs ------------------------------------------------------------------------------------------

  let dialogShown = -1;
  function buildSide() {
    const counts = new Int32Array(index.dialogs.length);
    dialogOf.forEach((dialog, row) => { if (dialog >= 0 && ownerOf[row] < 0) counts[dialog] += 1; });
    const list = new Lazy($("dialogs"), $("side"), 100, 26, (at) => {
      const [id, agent, parent, from] = at < 0 ? ["", "", "", 0] : index.dialogs[at];
      const depth = Math.min(6, id.split(".").length - 1);
      const name = el("span", "name", at < 0 ? "All" : `${parent ? "↳ " : ""}${visible(id)} · ${visible(agent) || "nobody"}`);
      name.style.paddingLeft = `${depth * 10}px`;
      const node = el("button", "", name, el("span", "count", number(at < 0 ? lines.length : counts[at])));
      node.type = "button";
      node.title = at < 0 ? "Everything, in the order in which it happened" : parent ? `${id}, forked from ${parent} at message ${from}` : id;
      node.setAttribute("aria-pressed", String(at === dialogShown));
      node.addEventListener("click", () => { dialogShown = at; document.querySelectorAll("#side button").forEach((b) => b.setAttribute("aria-pressed", String(b === node))); filter(); });
      return node;
    });
    list.show([-1, ...index.dialogs.keys()]);
  }

  // --- the transcript ---------------------------------------------------------------------------------------------

  const GROUPS = [
    ["Messages", ["message", "model.reply", "model.request"]],
    ["Functions", []],
    ["Problems", []],
    ["Waits and errors", ["wait", "model.error"]],
    ["Calls", ["dialog.open", "call.close"]],
    ["Runs", ["session.open", "session.close", "session.resume", "run.open", "run.close"]],
    ["Contracts", ["contract"]],
    ["Values", ["value", "step"]],
    ["Shown, notes", ["frontend", "note"]],
    ["Other", []],
  ];
  const groupOf = new Map(GROUPS.flatMap(([name, kinds]) => kinds.map((kind) => [kind, name])));
  const groupOfKind = index.kinds.map((kind) => (kind.startsWith("function.") ? "Functions" : groupOf.get(kind) || "Other"));
  const wanted = new Set();

  const cells = buildCells({ index, lines: cellLines, parse, eventAt, el, textBlock, textOf, details, picture, pretty, preview, marked, objectOf, seqLink, isSearching: () => Boolean(query) });

  const RENDER = {
    "message": (row, event) => {
      const message = objectOf(event.data.message);
      const isHandler = "branch" in event.data || message.creator === "interrupt";
      const role = isHandler ? "handler" : ["system", "user", "assistant"].includes(message.role) ? message.role : "other";
      const body = () => el("div", "body", message.content ? textBlock(textOf(message.content)) : null, ...pictures(row, message), extraOf(message));
      return entry(row, role, isHandler ? "told by a handler" : textOf(message.role), [], body, flagsOf[row] & PRUNED);
    },
    "model.reply": (row, event) => {
      const message = objectOf(event.data.message), usage = listOf(event.data.usage);
      const facts = [textOf(event.data.model), usage.length ? `${number(usage[0])} + ${number(usage[1])} tokens` : "", spanTook(row)];
      if (typeof event.data.cost_usd === "number") facts.push(`$${event.data.cost_usd.toFixed(5)}`);
      if (event.data.finish) facts.push(`stopped: ${textOf(event.data.finish)}`);
      const isPruned = flagsOf[row] & PRUNED;
      if (isPruned) facts.push("could not be used: not in the dialog");
      const body = () => el("div", "body",
        message.reasoning ? details("Reasoning", () => textBlock(textOf(message.reasoning))) : null,
        message.content ? textBlock(textOf(message.content)) : null,
        message.refusal ? el("div", "bad", textBlock(textOf(message.refusal))) : null,
        ...functionCards(row, event, listOf(message.calls)), ...pictures(row, message), extraOf(message));
      return entry(row, "assistant", textOf(message.creator) || "assistant", facts, body, isPruned);
    },
    "function.call": (row, event) => entry(row, "function", `calls ${textOf(event.data.name)}`, [], () => el("div", "body", textBlock(textOf(event.data.arguments), true))),
    "function.result": (row, event) => entry(row, "function", "result", [resultNote(event)], () => el("div", "body", textBlock(textOf(objectOf(event.data.message).content), true), ...pictures(row, objectOf(event.data.message)))),
    "model.request": (row) => thin(row, "wait", "model asked", "no answer is logged"),
    "model.error": (row, event) => entry(row, "error", textOf(event.data.type) || "error", [spanTook(row), event.data.retryable ? "may be tried again" : "final"], () => el("div", "body bad", textBlock(textOf(event.data.message)))),
    "wait": (row, event) => thin(row, "wait", `waited ${textOf(event.data.seconds)} s`, "before the next try"),
    "call.close": (row, event) => {
      const why = textOf(event.data.error) || textOf(event.data.by) || textOf(event.data.during);
      return event.data.outcome === "failed" ? entry(row, "error", `call failed: ${textOf(event.data.reason)}`, [], () => el("div", "body bad", why ? textBlock(why) : "")) : thin(row, "call", "call done", "");
    },
    "dialog.open": (row, event) => {
      const id = textOf(event.id), from = event.data.parent ? `forked from dialog ${textOf(event.data.parent)} at message ${textOf(event.data.at)}` : "";
      return band(row, `Dialog ${id} · ${textOf(event.data.agent) || "nobody"}`, from);
    },
    "run.open": (row, event) => entry(row, "run", `run of ${textOf(event.data.agent_type)}`, ["an agent system called inside of this session"], () => el("div", "body", textBlock(textOf(event.data.task)))),
    "run.close": (row, event) => entry(row, event.data.error ? "error" : "run", `run ended: ${textOf(event.data.status)}`, [spanTook(row)], () => el("div", "body", textBlock(textOf(event.data.error) || textOf(event.data.result), true))),
    "session.open": (row, event) => entry(row, "run", "session begins", [`lllm ${textOf(event.data.lllm)}`, `Python ${textOf(event.data.python)}`], () => details("Header", () => textBlock(pretty(event.data), true))),
    "session.resume": (row, event) => entry(row, "run", "session resumed after a crash", [], () => el("div", "body", textBlock(pretty(event.data), true))),
    "session.close": (row, event) => entry(row, event.data.status === "ok" ? "run" : "error", `session ends: ${textOf(event.data.status)}`, [], () => el("div", "body", textBlock(textOf(event.data.error) || textOf(event.data.result), true))),
    "contract": (row, event) => {
      const prompt = objectOf(event.data.prompt), names = listOf(event.data.functions).map((f) => textOf(objectOf(f).name));
      const facts = [textOf(event.data.agent), `prompt ${textOf(prompt.path)}`, `model ${textOf(event.data.model)}`, names.length ? `functions ${names.join(", ")}` : "no functions"];
      return entry(row, "system", "contract", facts, () => details("Prompt, schemas, parameters", () => el("div", "", textBlock(textOf(prompt.source)), textBlock(pretty(event.data), true))));
    },
    "step": (row, event) => entry(row, "step", `step ${textOf(event.data.name)}`, ["its value is not logged"], () => el("div", "body", event.data.about ? textBlock(pretty(event.data.about), true) : null)),
    "value": (row, event) => {
      const made = cells.at(row);
      if (made) return entry(row, "step", made[0], [spanTook(row)], () => el("div", "body fn", ...made[1]));
      const isBad = "error" in event.data, value = event.data.value;
      const told = isBad ? textOf(event.data.error) : value && typeof value === "object" ? pretty(value) : textOf(value);
      return told.length < 120 && !isBad ? thin(row, "step", textOf(event.data.name), told) : entry(row, isBad ? "error" : "step", textOf(event.data.name), [spanTook(row)], () => el("div", "body", textBlock(told, true)));
    },
    "frontend": (row, event) => thin(row, "step", `shown: ${textOf(event.data.type)}`, listOf(event.data.args).map(textOf).join(" ")),
    "note": (row, event) => thin(row, "step", "note", textOf(event.data.text)),
  };
  const other = (row, event) => entry(row, "other", textOf(event.kind), [], () => el("div", "body", textBlock(pretty(event.data), true)));

  const place = (row) => (dialogOf[row] >= 0 ? el("span", "", `dialog ${visible(index.dialogs[dialogOf[row]][0])}`) : null);
  const where = (row) => el("span", "where", place(row), el("span", "", `+${took(msOf[row])}`), seqLink(row));
  function entry(row, role, who, facts, body, isFolded) {
    const told = facts.filter(Boolean).map((fact) => el("span", "", preview(fact, 160)));
    const head = el("div", "line", el("span", "who", ...marked(preview(who, 120))), ...told, el("span", "grow"), where(row));
    const node = el("article", `entry r-${role}`, head);
    if (flagsOf[row] & PROBLEM) node.classList.add("problem");
    if (isFolded) node.classList.add("pruned");
    node.append(isFolded ? details(preview(textOf(objectOf(eventAt(row).data.message).content), 140) || "Show it", body, Boolean(query)) : body());
    return node;
  }
  const thin = (row, role, who, told) => el("article", `entry thin r-${role}`, el("div", "line", el("span", "who", ...marked(preview(who, 120))), el("span", "grow", ...marked(preview(told, 300))), where(row)));
  const band = (row, title, told) => el("article", "band", el("span", "", ...marked(preview(title, 160))), told ? el("small", "", preview(told, 160)) : null, seqLink(row));
  const extraOf = (message) => (message.extra ? details("Extra data", () => textBlock(pretty(message.extra), true)) : null);

  function resultNote(event) {
    if (event.data.unknown === true) return "unknown: it may have run";
    return "error" in event.data ? "failed" : event.data.ran === false ? "answered without running" : "";
  }
  /** Return a card for each function that a reply asks for, with the result that stands in another event. */
  function functionCards(row, reply, calls) {
    const results = new Map(), began = new Map();
    for (const other of owned.get(row) || []) {
      const event = eventAt(other), ordinal = Number(textOf(event.id).split("/f").pop());
      if (event.kind === "function.result") results.set(ordinal, [event, other]);
      if (event.kind === "function.call") began.set(ordinal, [event, other]);
    }
    return calls.map((call, ordinal) => {
      const [result, at] = results.get(ordinal) || [null, -1], [begun, from] = began.get(ordinal) || [null, -1];
      const note = result ? resultNote(result) : begun ? "no result is logged" : "not run";
      const facts = [at >= 0 && from >= 0 ? took(msOf[at] - msOf[from]) : "", begun && begun.data.idempotency_key ? `key ${textOf(begun.data.idempotency_key)}` : ""];
      const head = el("div", "line", el("span", "who", ...marked(preview(textOf(objectOf(call).name), 120))), ...facts.filter(Boolean).map((f) => el("span", "", preview(f, 100))), note ? el("span", note === "failed" || note[0] === "u" ? "bad" : "", note) : null, el("span", "grow"), from >= 0 ? seqLink(from) : null, at >= 0 ? seqLink(at) : null);
      const id = `${reply.id}/f${ordinal}`, made = cells.inside(id), codes = cells.codes(id);
      const card = el("div", "fn", head, ...argumentParts(textOf(objectOf(call).arguments), codes), ...made);
      const isTold = codes.length > 0 || cells.hasActions(id), message = result ? objectOf(result.data.message) : {};
      const read = () => { const node = part(isTold ? "" : "result", textOf(message.content)); node.append(...pictures(at, message)); return node; };
      if (result) card.append(isTold ? el("div", "part", details("What the model read", read, Boolean(query))) : read());
      return card;
    });
  }
  const part = (key, text) => el("div", "part", key ? el("div", "key", preview(key, 80)) : null, textBlock(text, true));
  const LONG = 60;
  /** Return parts for a function's arguments; a long text is shown as one, and what stands in a cell is left out. */
  function argumentParts(raw, codes) {
    let told = null;
    try { told = JSON.parse(raw); } catch { return [part("arguments, which are not JSON", raw)]; }
    const isText = (value) => typeof value === "string" && (value.includes("\n") || value.length > LONG);
    const isFlat = told && typeof told === "object" && !Array.isArray(told) && (codes.length || Object.values(told).some(isText));
    if (!isFlat) return raw === "{}" ? [] : [part("", raw)];
    return Object.entries(told).filter(([, value]) => !codes.includes(value)).map(([key, value]) => part(key, textOf(value)));
  }

  const entries = new Lazy($("entries"), $("main"), 40, 74, (row) => {
    let node;
    try {
      const event = eventAt(row);
      node = (Object.hasOwn(RENDER, event.kind) ? RENDER[event.kind] : other)(row, event);
    } catch (error) { // a log may hold anything; the rest of it is still worth seeing
      node = thin(row, "error", "an event that cannot be shown", String(error));
    }
    if (current >= 0 && row === shownWith(current)) node.classList.add("at");
    return node;
  });

  function isHit(row, needle) {
    const line = lines[row].replace(/"[a-z0-9/]+":"§\d+§"/g, '"":""'); // a picture is no text
    if (needle.ascii !== null) return line.toLowerCase().includes(needle.ascii);
    return JSON.stringify(JSON.parse(line)).toLowerCase().includes(needle.json);
  }
  function toNeedle(text) {
    const json = JSON.stringify(text).slice(1, -1).toLowerCase();
    return { json, ascii: /^[\x20-\x7e]*$/.test(json) ? json.replace(/</g, "\\u003c").replace(/>/g, "\\u003e") : null };
  }
  function filter() {
    const needle = query ? toNeedle(query) : null;
    const hits = needle ? new Uint8Array(lines.length) : null;
    if (needle) for (let row = 0; row < lines.length; row += 1) if (isHit(row, needle)) hits[shownWith(row)] = 1;
    const rows = [];
    for (let row = 0; row < lines.length; row += 1) {
      if (ownerOf[row] >= 0 || (hits && !hits[row])) continue;
      if (dialogShown >= 0 && dialogOf[row] !== dialogShown) continue;
      if (wanted.size && !isWanted(row)) continue;
      rows.push(row);
    }
    $("found").textContent = query || wanted.size || dialogShown >= 0 ? `${number(rows.length)} shown` : "";
    entries.show(rows);
  }
  function isWanted(row) {
    if (wanted.has(groupOfKind[kindOf[row]]) || (wanted.has("Problems") && flagsOf[row] & PROBLEM)) return true;
    return wanted.has("Functions") && (owned.get(row) || []).some((other) => groupOfKind[kindOf[other]] === "Functions");
  }
  function buildTools() {
    const there = new Set(groupOfKind);
    if (flagsOf.some((flags) => flags & PROBLEM)) there.add("Problems");
    for (const [name] of GROUPS) {
      if (!there.has(name)) continue;
      const chip = button("", name, () => {
        wanted.has(name) ? wanted.delete(name) : wanted.add(name);
        chip.setAttribute("aria-pressed", String(wanted.has(name)));
        filter();
      });
      chip.setAttribute("aria-pressed", "false");
      $("kinds").append(chip);
    }
    let timer = 0;
    $("query").addEventListener("input", () => { clearTimeout(timer); timer = setTimeout(() => { query = $("query").value.toLowerCase(); filter(); }, 150); });
  }

  // --- one event, as it is stored ---------------------------------------------------------------------------------

  let current = -1;
  function openEvent(row) {
    if (!(row >= 0 && row < lines.length)) return;
    current = row;
    const event = eventAt(row), drawer = $("drawer");
    const facts = [["kind", event.kind], ["id", event.id || "(the session)"], ["time", `+${took(msOf[row])} · ${new Date(event.ts * 1000).toISOString()}`]];
    const list = el("dl", "");
    for (const [name, told] of facts) list.append(el("dt", "", name), el("dd", "", visible(textOf(told))));
    if (event.cause > 0) list.append(el("dt", "", "caused by"), el("dd", "", seqLink(event.cause - 1)));
    const top = el("div", "bar-top", el("h1", "", `Event #${event.seq}`), button("", "‹", () => goTo(row - 1)), button("", "›", () => goTo(row + 1)), button("", "Close", closeEvent));
    drawer.replaceChildren(top, list, command(`lllm fork ${index.session}@${event.seq}`), el("div", "json", textBlock(pretty(event.data), true)));
    drawer.hidden = false;
    drawer.scrollTop = 0;
    history.replaceState(null, "", `#e${row + 1}`);
    document.querySelectorAll(".entry.at").forEach((node) => node.classList.remove("at"));
    const node = entries.node(shownWith(row));
    if (node) node.classList.add("at");
  }
  function command(text) {
    const pre = el("pre", "", text);
    return el("div", "command", pre, button("", "Copy", (node) => {
      getSelection().selectAllChildren(pre);
      if (navigator.clipboard) navigator.clipboard.writeText(text).then(() => { node.textContent = "Copied"; }, () => {});
    }));
  }
  function closeEvent() {
    $("drawer").hidden = true;
    current = -1;
    document.querySelectorAll(".entry.at").forEach((node) => node.classList.remove("at"));
    history.replaceState(null, "", location.pathname + location.search);
  }
  /** Show an event in the transcript, and as it is stored. */
  function goTo(row) {
    if (!(row >= 0 && row < lines.length)) return;
    openEvent(row);
    settle(shownWith(row));
  }
  /** Show in the transcript what a step was made in, and there the step itself. */
  function reveal(row, id) {
    const owner = shownWith(row);
    if (!entries.node(owner)) return openEvent(row);
    document.querySelectorAll(".entry.at").forEach((node) => node.classList.remove("at"));
    current = row;
    const find = () => {
      const node = entries.node(owner), fold = node && node.querySelector(":scope > details");
      if (fold) fold.open = true;
      if (node) node.classList.add("at");
      return node && ([...node.querySelectorAll("[data-step]")].find((part) => part.dataset.step === id) || node);
    };
    const found = find();
    found.tabIndex = -1;
    found.focus({ preventScroll: true });
    settle(owner, find);
  }
  let settling = 0;
  /** Bring an entry into the window and hold it there, while what is around it gets its true height, or the reader moves. */
  function settle(row, find = () => entries.node(row)) {
    const mine = (settling += 1), until = performance.now() + 800;
    const step = () => {
      const node = mine === settling ? find() : null;
      if (!node) return;
      node.scrollIntoView({ block: "center" });
      if (performance.now() < until) requestAnimationFrame(step);
    };
    step();
  }
  for (const moved of ["wheel", "pointerdown", "keydown"]) addEventListener(moved, () => { settling += 1; }, { passive: true });

  // --- the timeline -----------------------------------------------------------------------------------------------

  const [KIND, NAME, START, END, PARENT, ROW, END_ROW, STATUS] = [0, 1, 2, 3, 4, 5, 6, 7];
  const spans = index.spans, wall = Math.max(index.wall_ms, 0.001);
  const endOf = (span) => (span[END] < 0 ? wall : span[END]);
  const spanByEnd = new Map(spans.filter((span) => span[END_ROW] >= 0).map((span) => [span[END_ROW], span]));
  const spanTook = (row) => { const span = spanByEnd.get(row); return span ? took(span[END] - span[START]) : ""; };
  const LEAVES = ["model", "function", "wait", "step"];
  const depths = spans.map(() => 0);
  const busy = toBusy();
  const idleMs = wall - busy.reduce((sum, [from, to]) => sum + to - from, 0);
  let skipsIdle = false, from = 0, to = wall;

  /** Return the spans of time, without overlaps, in which something was under way. */
  function toBusy() {
    const found = [];
    for (const span of spans.filter((s) => LEAVES.includes(s[KIND])).sort((a, b) => a[START] - b[START])) {
      const last = found[found.length - 1];
      if (last && span[START] <= last[1]) last[1] = Math.max(last[1], endOf(span));
      else found.push([span[START], endOf(span)]);
    }
    return found;
  }
  /** Return where a time stands, from 0 to 1, on a scale that may leave out what nobody worked in. */
  function scale() {
    if (!skipsIdle) return (ms) => ms / wall;
    const total = busy.reduce((sum, [a, b]) => sum + b - a, 0), gap = (total || 1) * 0.3 / (busy.length + 1), length = total + gap * (busy.length + 1);
    const starts = [];
    busy.reduce((sum, [a, b]) => { starts.push(sum); return sum + b - a + gap; }, gap);
    return (ms) => {
      let low = 0, high = busy.length - 1, at = -1;
      while (low <= high) { const mid = (low + high) >> 1; if (busy[mid][0] <= ms) { at = mid; low = mid + 1; } else high = mid - 1; }
      if (at < 0) return 0;
      const [a, b] = busy[at], over = Math.max(0, ms - b), next = at + 1 < busy.length ? busy[at + 1][0] : wall;
      return Math.min(1, (starts[at] + Math.min(ms, b) - a + (over && next > b ? gap * over / (next - b) : 0)) / length);
    };
  }
  /** Return the spans as a tree is read: each before what it holds. */
  function inTreeOrder() {
    const children = spans.map(() => []), order = [], todo = [];
    spans.forEach((span, at) => { if (span[PARENT] >= 0 && span[PARENT] < at) children[span[PARENT]].push(at); else todo.push(at); });
    todo.reverse();
    while (todo.length) {
      const at = todo.pop();
      order.push(at);
      for (const child of children[at].reverse()) { depths[child] = depths[at] + 1; todo.push(child); }
    }
    return order;
  }
  const order = inTreeOrder();
  let toShare = scale();
  const rowsOfTime = new Lazy($("spans"), $("spans"), 80, 22, (at) => {
    const span = spans[at], kind = span[KIND], name = visible(index.span_names[span[NAME]]) || (kind === "session" ? "session" : "");
    const label = el("span", "label", ["call", "session", "wait"].includes(kind) ? name || kind : `${kind} ${name}`);
    label.style.paddingLeft = `${12 + Math.min(depths[at], 14) * 12}px`;
    const left = share(span[START]), right = share(endOf(span)), clamp = (value) => Math.min(1, Math.max(0, value));
    const bar = el("span", `bar k-${kind} ${span[STATUS]}`), time = el("span", "took", took(endOf(span) - span[START]) + (span[END] < 0 ? " …" : ""));
    bar.style.left = `${clamp(left) * 100}%`;
    bar.style.width = `${(clamp(right) - clamp(left)) * 100}%`;
    time.style.left = `${clamp(right) * 100}%`;
    const node = el("div", "span", label, el("span", "track", bar, time));
    node.title = `${kind} ${name}, ${took(endOf(span) - span[START])}, ${span[STATUS]}, event #${span[ROW] + 1}`;
    node.addEventListener("click", () => goTo(span[ROW]));
    return node;
  });
  const share = (ms) => (toShare(ms) - from) / Math.max(to - from, 1e-9);

  function drawSpans() {
    const near = order.filter((at) => toShare(endOf(spans[at])) >= from && toShare(spans[at][START]) <= to);
    rowsOfTime.show(near);
    $("whole").hidden = from === 0 && to === 1;
    $("window").textContent = `${number(near.length)} of ${number(spans.length)} spans`;
  }
  /** Draw how much of what was under way when: one column a pixel, one colour a kind. */
  function drawOverview() {
    const canvas = $("overview"), ratio = devicePixelRatio || 1, width = Math.max(1, Math.round(canvas.clientWidth)), height = 40;
    canvas.width = width * ratio;
    canvas.height = height * ratio;
    const pen = canvas.getContext("2d"), style = getComputedStyle(document.documentElement), load = {};
    pen.scale(ratio, ratio);
    for (const kind of LEAVES) load[kind] = new Float64Array(width + 1);
    for (const span of spans) {
      if (!load[span[KIND]]) continue;
      const a = toShare(span[START]) * width, b = Math.max(toShare(endOf(span)) * width, a + 0.5);
      if (b - a > 3) { load[span[KIND]][Math.floor(a)] += 1; load[span[KIND]][Math.min(width, Math.floor(b))] -= 1; continue; }
      const x = Math.min(width - 1, Math.floor(a));
      load[span[KIND]][x] += b - a;
      load[span[KIND]][x + 1] -= b - a;
    }
    const sums = LEAVES.map((kind) => { let sum = 0; return load[kind].map((step) => (sum += step)); });
    let top = 0.6;
    for (let x = 0; x < width; x += 1) top = Math.max(top, sums.reduce((sum, one) => sum + one[x], 0));
    for (let x = 0; x < width; x += 1) {
      let y = height;
      LEAVES.forEach((kind, at) => {
        const part = sums[at][x] > 1e-6 ? Math.max(1, sums[at][x] / top * (height - 6)) : 0;
        pen.fillStyle = style.getPropertyValue(`--${kind}`).trim();
        pen.fillRect(x, y -= part, 1, part);
      });
    }
    if (from > 0 || to < 1) {
      pen.fillStyle = style.getPropertyValue("--ground").trim();
      pen.globalAlpha = 0.75;
      pen.fillRect(0, 0, from * width, height);
      pen.fillRect(to * width, 0, width, height);
    }
  }
  function look(a, b) { [from, to] = b - a < 0.002 ? [0, 1] : [Math.max(0, a), Math.min(1, b)]; drawOverview(); drawSpans(); }
  function buildTime() {
    [from, to] = [0, 1];
    for (const kind of LEAVES) {
      if (!spans.some((span) => span[KIND] === kind)) continue;
      const dot = el("i", `k-${kind}`);
      $("legend").append(el("span", "", dot, kind));
    }
    const canvas = $("overview");
    let begin = null;
    const x = (event) => (event.clientX - canvas.getBoundingClientRect().left) / canvas.clientWidth;
    canvas.addEventListener("pointerdown", (event) => { begin = x(event); canvas.setPointerCapture(event.pointerId); });
    canvas.addEventListener("pointermove", (event) => { if (begin !== null) { [from, to] = [Math.max(0, Math.min(begin, x(event))), Math.min(1, Math.max(begin, x(event)))]; drawOverview(); } });
    canvas.addEventListener("pointerup", (event) => { if (begin !== null) look(Math.min(begin, x(event)), Math.max(begin, x(event))); begin = null; });
    $("whole").addEventListener("click", () => look(0, 1));
    $("idle").hidden = !(idleMs > wall * 0.3 && busy.length > 1);
    $("idle").addEventListener("click", () => { skipsIdle = !skipsIdle; $("idle").setAttribute("aria-pressed", String(skipsIdle)); toShare = scale(); look(0, 1); });
    addEventListener("resize", drawOverview);
    look(0, 1);
  }

  // --- begin ------------------------------------------------------------------------------------------------------

  const root = document.documentElement;
  root.dataset.theme = matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light";
  $("theme").addEventListener("click", () => { root.dataset.theme = root.dataset.theme === "dark" ? "light" : "dark"; drawOverview(); });
  addEventListener("keydown", (event) => {
    if (event.key === "/" && document.activeElement !== $("query")) { event.preventDefault(); $("query").focus(); }
    if (event.key === "Escape") closeEvent();
  });
  addEventListener("hashchange", () => goTo(Number(location.hash.slice(2)) - 1));
  $("app").hidden = false;
  buildHead();
  buildSide();
  buildTools();
  buildTime();
  filter();
  buildFilm({ cells, box: $("film"), el, button, preview, number, reveal });
  if (/^#e\d+$/.test(location.hash)) goTo(Number(location.hash.slice(2)) - 1);
  root.dataset.ready = "yes";
})();
