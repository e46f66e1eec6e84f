// What a browser showed, as a strip of frames above the transcript, and the chosen frame at the side of what is known of
// it. A picture is read from its event when its frame is near; far from it, only its caption is in the document.
const buildFilm = ({ cells, box, el, button, preview, number, reveal }) => {
  const items = cells.frames();
  if (!items.length) return;
  const frames = items.map((item, at) => ({ item, at, told: cells.told(item), mark: cells.mark(item) }));
  const sayOf = ({ told }) => preview(told.kind === "approval" ? `${told.asked} ${told.what}` : told.action, 200);
  const count = (mark) => frames.filter((frame) => frame.mark === mark).length;
  let chosen = -1;

  function frameNode(frame) {
    const node = button(`frame ${frame.mark}`, "", () => { choose(frame.at); reveal(frame.item.row, frame.item.id); });
    const caption = el("span", "caption", el("b", "", number(frame.at + 1)), " ", sayOf(frame));
    node.append(el("span", "shot"), caption, ...(frame.mark ? [el("span", "mark", frame.mark)] : []));
    node.setAttribute("aria-label", `Frame ${frame.at + 1} of ${frames.length}: ${sayOf(frame)}${frame.mark ? `, ${frame.mark}` : ""}`);
    node.tabIndex = -1;
    node.frame = frame;
    return node;
  }
  function fill(node, isNear) {
    const shot = node.querySelector(".shot");
    if (!isNear) shot.replaceChildren();
    else if (!shot.firstChild) shot.append(cells.shot(node.frame.item) || el("span", "none", frameless(node.frame)));
  }
  const frameless = ({ told }) => (told.kind === "approval" ? "approval" : "no picture");

  const nodes = frames.map(frameNode);
  const strip = el("div", "", ...nodes);
  strip.id = "strip";
  strip.setAttribute("role", "group");
  strip.setAttribute("aria-label", "Frames");
  strip.addEventListener("keydown", (event) => {
    const to = { ArrowLeft: chosen - 1, ArrowRight: chosen + 1, Home: 0, End: frames.length - 1 }[event.key];
    if (to === undefined) return;
    event.preventDefault();
    choose(to);
    nodes[chosen].focus({ preventScroll: true });
  });
  const watch = new IntersectionObserver((seen) => seen.forEach((one) => fill(one.target, one.isIntersecting)), { root: strip, rootMargin: "0px 600px" });

  const stage = el("div", "");
  stage.id = "stage";
  const before = button("", "‹", () => choose(chosen - 1)), after = button("", "›", () => choose(chosen + 1));
  before.setAttribute("aria-label", "Previous frame");
  after.setAttribute("aria-label", "Next frame");

  /** Show a frame large, and bring its small one into view. */
  function choose(to) {
    const at = Math.max(0, Math.min(frames.length - 1, to));
    if (at === chosen) return;
    if (chosen >= 0) { nodes[chosen].tabIndex = -1; nodes[chosen].removeAttribute("aria-current"); }
    chosen = at;
    nodes[at].tabIndex = 0;
    nodes[at].setAttribute("aria-current", "true");
    before.disabled = at === 0;
    after.disabled = at === frames.length - 1;
    place.textContent = `${number(at + 1)} of ${number(frames.length)}`;
    stage.replaceChildren(...large(frames[at]));
    const left = nodes[at].offsetLeft;
    strip.scrollLeft = Math.min(left - 40, Math.max(strip.scrollLeft, left + nodes[at].offsetWidth + 40 - strip.clientWidth));
  }
  function large(frame) {
    const shot = cells.pointed(frame.item), facts = el("div", "facts", ...cells.facts(frame.item));
    facts.append(button("more", "Show in the transcript", () => reveal(frame.item.row, frame.item.id)));
    return [el("div", `shot ${frame.mark}`, shot || el("span", "none", frameless(frame))), facts];
  }

  const place = el("span", "dim", "");
  place.setAttribute("aria-live", "polite");
  const told = ["failed", "refused"].filter(count).map((mark) => el("span", "bad", `${number(count(mark))} ${mark}`));
  const head = el("div", "", el("h2", "", "Film"), el("span", "dim", `${number(frames.length)} frame${frames.length > 1 ? "s" : ""}`), ...told, el("span", "grow"), place, before, after);
  head.id = "film-head";
  const reel = el("div", "", strip);
  reel.id = "reel";
  box.append(head, stage, reel);
  box.hidden = false;
  choose(0);
  nodes.forEach((node) => watch.observe(node));
};
