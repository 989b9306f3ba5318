/** A bar of finished, running and failed tasks. */
import { element, formatCount } from "../../report/page/index.js";

interface Counts {
  readonly total: number;
  readonly running: number;
  readonly finished: number;
  readonly failed: number;
}

export function progressBar(first: Counts): { node: HTMLElement; update(counts: Counts): void } {
  const finished = element("i", { class: "finished" });
  const running = element("i", { class: "running" });
  const failed = element("i", { class: "failed" });
  const node = element("span", { class: "progress", role: "img" }, finished, failed, running);
  const update = (counts: Counts): void => {
    const percent = (part: number): string =>
      `${counts.total > 0 ? (part / counts.total) * 100 : 0}%`;
    finished.style.width = percent(counts.finished);
    failed.style.width = percent(counts.failed);
    running.style.width = percent(counts.running);
    const done = formatCount(counts.finished + counts.failed);
    const text = `${done} of ${formatCount(counts.total)} done, ${formatCount(counts.failed)} failed`;
    node.setAttribute("aria-label", text);
    node.title = text;
  };
  update(first);
  return { node, update };
}
