"use strict";
// Cells, calls of services, and what a browser did, in the page of one run. Which of their texts and pictures may be seen
// was decided when the page was written; here, too, everything becomes a text node, a picture of pixels, or marks on one.
const buildCells = ({ index, lines, parse, eventAt, el, textBlock, textOf, details, picture, pretty, preview, marked, objectOf, seqLink, isSearching }) => {
  const byRow = new Map(), within = new Map();
  index.cells.forEach(([row, id, owner], at) => {
    const item = { row, id, at };
    byRow.set(row, item);
    within.has(owner) ? within.get(owner).push(item) : within.set(owner, [item]);
  });
  const toldOf = (item) => parse(lines[item.at]);
  const block = (key, ...nodes) => el("div", "part", key ? el("div", "key", key) : null, ...nodes);
  const parts = (told) => told.parts.map((part) => (part.base64
    ? picture({ media_type: part.mime, base64: part.base64 })
    : el("div", `out out-${part.kind}`, textBlock(part.text, true))));

  function cellNodes(item, told) {
    const count = told.count === null ? "" : `[${told.count}]`;
    const status = told.status === "ok" ? "" : el("span", "bad", ` ${preview(told.status, 40)}`);
    const out = told.parts.length ? parts(told) : [el("p", "dim", "no output")];
    return [block(`In ${count}`, textBlock(told.code, true)), block(el("span", "", `Out ${count}`, status), ...out), ...inside(item.id)];
  }
  function serviceNode(item, told) {
    const value = objectOf(eventAt(item.row).data.value);
    const make = () => el("div", "",
      told.cutoff_date ? el("p", "dim", preview(`without data from ${told.cutoff_date} on`, 80)) : null,
      block("parameters", textBlock(pretty(told.params), true)),
      told.status === "failed" ? block("error", textBlock(told.error, true)) : block("answer", textBlock(pretty(value.data === undefined ? null : value.data), true)));
    const fold = details("", make, isSearching());
    fold.firstChild.append(...marked(preview(told.told, 220)), " ", seqLink(item.row));
    return el("div", `part service ${told.status === "failed" ? "bad" : ""}`, fold);
  }

  // --- a browser ---

  const valueOf = (item) => objectOf(objectOf(eventAt(item.row).data).value);
  const isApproval = (told) => told.kind === "approval";
  const isRefused = (told) => isApproval(told) && told.status !== "granted";
  /** Return the picture of an action, with room for it before it is there; null where there is none. */
  function shot(item) {
    const told = toldOf(item);
    if (!told.picture) return null;
    const node = picture({ media_type: "image/png", base64: textOf(valueOf(item).png) });
    node.alt = `screenshot of ${preview(told.title || told.url, 100) || "a page"}`;
    [node.width, node.height] = told.picture;
    return node;
  }
  const DRAWING = document.getElementById("drawing").content.firstChild.namespaceURI; // no address stands in a script
  /** Return a shape. Its place is in its attributes: the page's policy lets no element have a style of its own. */
  function shape(tag, facts, ...children) {
    const node = document.createElementNS(DRAWING, tag);
    for (const [name, value] of Object.entries(facts)) node.setAttribute(name, value);
    node.append(...children);
    return node;
  }
  /** Return a ring where the mouse ended, and the way there, in pixels of the picture; each in two colours. */
  function marks({ path, picture: [width, height] }) {
    const [x, y] = path[path.length - 1], ring = { cx: x, cy: y, r: Math.max(width, height) / 48 };
    const way = () => (path.length > 1 ? [shape("polyline", { points: path.join(" ") })] : []);
    const drawn = (name) => shape("g", { class: name }, ...way(), shape("circle", ring));
    return shape("svg", { class: "picture marks", "aria-hidden": "true", width, height, viewBox: `0 0 ${width} ${height}` }, drawn("under"), drawn("over"));
  }
  /** Return the picture of an action with marks over it, which take the same room; null where there is none. */
  function pointed(item) {
    const node = shot(item), told = toldOf(item);
    return node && told.path.length ? el("div", "pointed", node, marks(told)) : node;
  }
  function approvalNode(item, told, tag) {
    const pill = el("span", `pill ${isRefused(told) ? "failed" : "ok"}`, told.status), by = told.error || told.by;
    return tagged(item, el(tag || "div", `approval ${isRefused(told) ? "bad" : ""}`, pill, " ",
      el("b", "", ...marked(preview(told.asked, 60))), " ", ...marked(preview(told.what, 400)), by ? el("span", "dim", ` ${preview(by, 200)}`) : null, " ", seqLink(item.row)));
  }
  /** Return what is known of a frame, beside its picture. */
  function facts(item) {
    const told = toldOf(item);
    if (isApproval(told)) return [approvalNode(item, told)];
    const asked = (within.get(item.id) || []).map((one) => [one, toldOf(one)]).filter((pair) => isApproval(pair[1]));
    const place = told.status === "ok" ? el("div", "seen", el("b", "", ...marked(preview(told.title, 200) || "(no title)")), el("span", "dim url", ...marked(preview(told.url, 400)))) : null;
    return [
      el("div", "did", el("code", "", ...marked(preview(told.action, 400))), " ", seqLink(item.row)),
      place,
      told.error ? el("div", "bad", textBlock(told.error, true)) : null,
      told.notes.length ? el("ul", "notes", ...told.notes.map((note) => el("li", "", ...marked(preview(note, 600))))) : null,
      ...asked.map(([one, its]) => approvalNode(one, its)),
    ].filter(Boolean);
  }
  function actionNode(item, told) {
    const tree = textOf(valueOf(item).tree), others = (within.get(item.id) || []).filter((one) => !isApproval(toldOf(one)));
    return tagged(item, el("div", `part action ${told.status === "ok" ? "" : "bad"}`, ...facts(item), pointed(item),
      tree ? details("Structure of the page", () => textBlock(tree, true), isSearching()) : null, ...others.flatMap(nodes)));
  }
  /** Let a frame of the film find what it is of. */
  function tagged(item, node) {
    node.dataset.step = item.id;
    return node;
  }

  const KINDS = {
    cell: ["cell", cellNodes],
    service: ["call of a service", (item, told) => [serviceNode(item, told)]],
    action: ["browser", (item, told) => [actionNode(item, told)]],
    approval: ["approval", (item, told) => [el("div", "part", approvalNode(item, told))]],
  };
  function nodes(item) {
    const told = toldOf(item);
    return KINDS[told.kind][1](item, told);
  }
  const inside = (id) => (within.get(id) || []).flatMap(nodes);
  return {
    /** Return nodes for what a function's call, or a cell, made. */
    inside,
    /** Return the code of the cells that a function's call ran. */
    codes: (id) => (within.get(id) || []).map(toldOf).filter((told) => told.kind === "cell").map((told) => told.code),
    /** Return what ended with an event, in words, and nodes for it; null where nothing did. */
    at: (row) => (byRow.has(row) ? [KINDS[toldOf(byRow.get(row)).kind][0], nodes(byRow.get(row))] : null),
    /** Return whether a function's call did anything in a browser. */
    hasActions: (id) => (within.get(id) || []).some((item) => toldOf(item).kind === "action"),
    /** Return the items that are frames of the film, in its order. */
    frames: () => { const all = [...byRow.values()]; return index.film.map((at) => all[at]); },
    /** Return what is to be seen of a frame at once: that something failed, or was refused; else nothing. */
    mark: (item) => {
      const told = toldOf(item), isBad = isRefused(told) || (within.get(item.id) || []).some((one) => isRefused(toldOf(one)));
      return told.status === "failed" ? "failed" : isBad ? "refused" : "";
    },
    told: toldOf,
    shot,
    pointed,
    facts,
  };
};
