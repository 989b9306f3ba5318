/**
 * `node --import tsx bench/report.ts [TASKS]` (after `npm run build`; needs chromium): what a report of a million
 * tasks costs: to write, to open, to zoom. The trace is that of test/report/synthetic-trace.ts.
 */
import { mkdtempSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { performance } from "node:perf_hooks";
import { pathToFileURL } from "node:url";
import type { Page } from "playwright-core";
import { buildReport } from "../src/report/index.js";
import { startBrowser, watchPage } from "../test/browser/chromium.js";
import { syntheticTrace } from "../test/report/synthetic-trace.js";

const ZOOMS = 20;

/** From a key to the picture, in the page: [median, longest] of many, in ms. */
const MEASURE_ZOOM = `(async () => {
  const host = document.querySelector(".timeline");
  const times = [];
  for (let i = 0; i < ${ZOOMS}; i++) {
    const key = i < ${ZOOMS / 2} ? "+" : "-";
    await new Promise((done) => requestAnimationFrame(done));
    const before = performance.now();
    host.dispatchEvent(new KeyboardEvent("keydown", { key, bubbles: true }));
    // What the key asks for is drawn in the next frame: it is done when the task after that runs.
    await new Promise((done) => requestAnimationFrame(() => setTimeout(done)));
    times.push(performance.now() - before);
  }
  times.sort((a, b) => a - b);
  return [times[times.length >> 1], times[times.length - 1]];
})()`;

async function measurePage(page: Page, file: string): Promise<[string, string][]> {
  const problems = watchPage(page, { offline: true });
  const started = performance.now();
  await page.goto(pathToFileURL(file).href, { waitUntil: "commit" });
  await page.locator("html[data-ready]").waitFor();
  await page.locator("#timeline[data-shown] canvas").first().waitFor();
  const loadMs = performance.now() - started;
  const [median, longest] = (await page.evaluate(MEASURE_ZOOM)) as [number, number];
  await page.locator("#progress").scrollIntoViewIfNeeded();
  await page.locator("#progress[data-shown]").waitFor();
  const [allMedian, allLongest] = (await page.evaluate(MEASURE_ZOOM)) as [number, number];
  if (problems.length > 0) throw new Error(problems.join("; "));
  return [
    ["opens in", `${loadMs.toFixed(0)} ms`],
    ["zoom, time line", `median ${median.toFixed(0)} ms, longest ${longest.toFixed(0)} ms`],
    ["zoom, with charts", `median ${allMedian.toFixed(0)} ms, longest ${allLongest.toFixed(0)} ms`],
  ];
}

const tasks = Number(process.argv[2] ?? 1_000_000);
const folder = mkdtempSync(join(tmpdir(), "loom-bench-"));
const browser = await startBrowser();
try {
  const trace = syntheticTrace({ tasks, workers: 20, cpus: 24 });
  const started = performance.now();
  const html = await buildReport(trace, { title: `${tasks} tasks` });
  const buildMs = performance.now() - started;
  const file = join(folder, "output.html");
  writeFileSync(file, html);
  const page = await browser.newPage({ viewport: { width: 1920, height: 1000 } });
  const rows: [string, string][] = [
    ["tasks", `${tasks}, ${trace.tasks.inputs.length} inputs, ${trace.transfers.count} transfers`],
    ["written in", `${buildMs.toFixed(0)} ms`],
    ["size", `${(statSync(file).size / 1e6).toFixed(1)} MB`],
    ...(await measurePage(page, file)),
  ];
  for (const [name, value] of rows) console.log(`${name.padEnd(20)}${value}`);
} finally {
  await browser.close();
  rmSync(folder, { recursive: true });
}
