"use strict";
// Cells and calls of services, in the page of one run. Which of their texts and pictures may be seen was decided when
// the page was written; here, too, everything becomes a text node or a picture of pixels.
const buildCells = ({ index, lines, eventAt, el, textBlock, details, picture, pretty, preview, marked, objectOf, seqLink, isSearching }) => {
  const byRow = new Map(), within = new Map();
  index.cells.forEach(([row, id, owner], at) => {
    const item = { row, id, at };
    byRow.set(row, item);
    within.has(owner) ? within.get(owner).push(item) : within.set(owner, [item]);
  });
  const toldOf = (item) => JSON.parse(lines[item.at]);
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
  function nodes(item) {
    const told = toldOf(item);
    return told.kind === "cell" ? cellNodes(item, told) : [serviceNode(item, told)];
  }
  const inside = (id) => (within.get(id) || []).flatMap(nodes);
  return {
    /** Return nodes for what a function's call, or a cell, made. */
    inside,
    /** Return the code of the cells that a function's call ran. */
    codes: (id) => (within.get(id) || []).map(toldOf).filter((told) => told.kind === "cell").map((told) => told.code),
    /** Return nodes for the cell or the call that ended with an event; null where none did. */
    at: (row) => (byRow.has(row) ? nodes(byRow.get(row)) : null),
  };
};
