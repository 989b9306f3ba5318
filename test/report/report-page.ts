/** A report in a page of a browser, for one test; what goes wrong in the page is collected. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import type { Browser, Locator, Page } from "playwright-core";
import { buildReport } from "../../src/report/index.js";
import type { Trace } from "../../src/trace/index.js";
import { watchPage } from "../browser/chromium.js";

export interface Box {
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
}

/** Run before the page: texts on canvases are kept, by chart. */
const KEEP_TEXTS = `
  const draw = CanvasRenderingContext2D.prototype.fillText;
  const clear = CanvasRenderingContext2D.prototype.clearRect;
  CanvasRenderingContext2D.prototype.clearRect = function (...args) {
    this.canvas.drawnTexts = [];
    return clear.apply(this, args);
  };
  CanvasRenderingContext2D.prototype.fillText = function (...args) {
    (this.canvas.drawnTexts ??= []).push(args[0]);
    return draw.apply(this, args);
  };`;

export class ReportPage implements AsyncDisposable {
  readonly problems: readonly string[];

  private constructor(readonly page: Page) {
    this.problems = watchPage(page, { offline: true });
  }

  static async open(
    browser: Browser,
    trace: Trace,
    { title = "A trace", width = 1280, height = 900, dark = false } = {},
  ): Promise<ReportPage> {
    const folder = mkdtempSync(join(tmpdir(), "loom-report-"));
    try {
      const file = join(folder, "output.html");
      writeFileSync(file, await buildReport(trace, { title }));
      const page = await browser.newPage({
        viewport: { width, height },
        colorScheme: dark ? "dark" : "light",
      });
      page.setDefaultTimeout(30_000);
      const report = new ReportPage(page);
      await page.addInitScript(KEEP_TEXTS);
      await page.goto(pathToFileURL(file).href);
      await page.locator("html[data-ready]").waitFor();
      return report;
    } finally {
      rmSync(folder, { recursive: true });
    }
  }

  /** Scrolls to a section, and waits until it is there. */
  async section(id: string): Promise<Locator> {
    await this.page.locator(`section#${id}`).scrollIntoViewIfNeeded();
    await this.page.locator(`section#${id}[data-shown]`).waitFor();
    return this.page.locator(`section#${id}`);
  }

  /** All of them have been in sight. */
  async allSections(): Promise<void> {
    const ids = await this.page.locator("section").evaluateAll((all) => all.map(({ id }) => id));
    for (const id of ids) await this.section(id);
  }

  /** Where the time line has its plot. */
  async plotBox(): Promise<Box> {
    return boxOf((await this.section("timeline")).locator(".u-over"));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.page.close();
  }
}

export async function boxOf(locator: Locator): Promise<Box> {
  const box = await locator.boundingBox();
  if (box === null) throw new Error(`${locator} is not to be seen`);
  return box;
}

/** Of the axis at the left of a chart, from below. */
export async function ticksOf(chart: Locator): Promise<string[]> {
  const texts = await chart
    .locator("canvas")
    .evaluate((canvas) => (canvas as unknown as { drawnTexts: string[] }).drawnTexts);
  // Those of the time below it come first.
  return texts.filter((text) => !/^[\d.:]+ s$|:/.test(text));
}

/** How much wider the page is than what is in sight of it. */
export function sidewaysPx(page: Page): Promise<number> {
  return page.evaluate(
    "document.documentElement.scrollWidth - document.documentElement.clientWidth",
  );
}
