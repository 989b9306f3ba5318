/** A report in a real browser, opened from disk. */
import type { Browser, Locator, Page } from "playwright-core";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import type { Trace } from "../../src/trace/index.js";
import { hasBrowser, startBrowser } from "../browser/chromium.js";
import { ReportPage } from "./report-page.js";
import { syntheticTrace } from "./synthetic-trace.js";

const EVIL = `</script><script>alert(1)</script><img src=x onerror=alert(2)>"'&`;
const OUTPUT = `Traceback:\n  <b>bold</b> ${EVIL}\n`;

/** Until it is so; on a machine that is busy that may take a while. */
function soon<T>(read: () => T | Promise<T>): ReturnType<typeof expect.poll<T>> {
  return expect.poll(read, { timeout: 30_000 });
}

describe.skipIf(!hasBrowser)("a report in a browser", () => {
  let browser: Browser;
  let report: ReportPage;
  let page: Page;

  beforeAll(async () => {
    browser = await startBrowser();
  });
  afterAll(async () => {
    await browser?.close();
  });
  afterEach(async () => {
    await page.close();
    expect(report.problems).toEqual([]);
  });

  async function open(
    trace: Trace,
    options: { title?: string; dark?: boolean } = {},
  ): Promise<void> {
    report = await ReportPage.open(browser, trace, options);
    page = report.page;
  }

  const section = (id: string): Promise<Locator> => report.section(id);

  /** Of a number of tasks in the table. */
  async function shownTasks(): Promise<string> {
    return (await (await section("tasks")).getByRole("status").textContent()) ?? "";
  }

  /** Pixels of the time line, as one text. */
  function timelinePixels(): Promise<string> {
    return page
      .locator("#timeline canvas")
      .evaluate((canvas) => (canvas as unknown as { toDataURL(): string }).toDataURL());
  }

  async function zoom(from: number, to: number): Promise<void> {
    const { x, y, width } = await report.plotBox();
    await page.mouse.move(x + width * from, y + 20);
    await page.mouse.down();
    await page.mouse.move(x + width * to, y + 20, { steps: 4 });
    await page.mouse.up();
  }

  const zoomedOut = (): Locator => page.getByRole("button", { name: "Show all the time" });

  it("has all sections", async () => {
    const trace = syntheticTrace({ tasks: 400, seed: 7 });
    await open({ ...trace, warnings: ["the file of worker 2 is cut off"] }, { title: "Monday" });
    expect(await page.title()).toBe("Monday");
    const facts = await (await section("summary")).textContent();
    expect(facts).toMatch(/tasks400finished\d+failed\d+/);
    expect(facts).toContain("the file of worker 2 is cut off");
    const ids = await page.locator("section").evaluateAll((all) => all.map(({ id }) => id));
    expect(ids).toContain("critical-path");
    for (const id of ids) {
      const text = (await (await section(id)).textContent()) ?? "";
      expect(text.length, id).toBeGreaterThan(20);
      expect(text, id).not.toMatch(/NaN|undefined|\[object/);
    }
  });

  it("zooms by dragging, wheel and keys, all charts at the same time", async () => {
    await open(syntheticTrace({ tasks: 400 }));
    const before = await timelinePixels();
    const chart = (await section("progress")).locator("canvas").first();
    const picture = (): Promise<string> =>
      chart.evaluate((canvas) => (canvas as unknown as { toDataURL(): string }).toDataURL());
    const chartBefore = await picture();
    await soon(() => zoomedOut().isDisabled()).toBe(true);
    await zoom(0.3, 0.5);
    await soon(() => zoomedOut().isEnabled()).toBe(true);
    await soon(timelinePixels).not.toBe(before);
    await section("progress");
    await soon(picture).not.toBe(chartBefore);
    const zoomed = await timelinePixels();

    await section("timeline");
    const { x, y, width } = await report.plotBox();
    await page.mouse.move(x + width / 2, y + 30);
    await page.keyboard.down("Control");
    await page.mouse.wheel(0, -200);
    await page.keyboard.up("Control");
    await soon(timelinePixels).not.toBe(zoomed);
    const closer = await timelinePixels();

    await page.locator(".timeline").focus();
    await page.keyboard.press("ArrowRight");
    await soon(timelinePixels).not.toBe(closer);
    await page.keyboard.press("0");
    await soon(() => zoomedOut().isDisabled()).toBe(true);
    await page.mouse.move(5, 5);
    await soon(timelinePixels).toBe(before);
  });

  it("tells what is below the pointer, and shows the task that is clicked", async () => {
    const trace = syntheticTrace({ tasks: 30, workers: 1, cpus: 1, wide: 0, lost: 0, failing: 0 });
    await open(trace);
    const { tasks } = trace;
    const longest = [...tasks.finishedMs].reduce((best, ms, t) => {
      return ms - tasks.startedMs[t] > tasks.finishedMs[best] - tasks.startedMs[best] ? t : best;
    }, 0);
    const middleMs = (tasks.startedMs[longest] + tasks.finishedMs[longest]) / 2;
    const { x, y, width } = await report.plotBox();
    const at = x + (middleMs / trace.durationMs) * width;
    await page.mouse.move(at, y + 8);
    const tooltip = page.getByRole("tooltip");
    await soon(() => tooltip.textContent()).toContain(tasks.labelOf(longest));
    expect(await tooltip.textContent()).toContain("10.0.0.1:40000, core 0");
    await page.mouse.click(at, y + 8);
    const panel = page.getByRole("complementary", { name: "Selected task" });
    await soon(() => panel.textContent()).toContain(`id${longest}type`);
    await page.mouse.move(x - 40, y);
    await soon(() => tooltip.isHidden()).toBe(true);
    await page.keyboard.press("Escape");
    await soon(() => panel.isHidden()).toBe(true);
  });

  it("filters all views by label, state and what is searched for", async () => {
    const trace = syntheticTrace({ tasks: 300, failing: 0.05 });
    await open(trace);
    expect(await shownTasks()).toBe("300 tasks");
    const before = await timelinePixels();
    await page
      .getByRole("group", { name: "Labels" })
      .getByRole("button", { name: /^train/ })
      .click();
    await soon(shownTasks).toBe("250 tasks");
    await section("timeline");
    await soon(timelinePixels).not.toBe(before);
    expect(await (await section("durations")).locator("tbody").first().textContent()).not.toContain(
      "train",
    );
    await page.getByRole("button", { name: "All", exact: true }).click();
    await soon(shownTasks).toBe("300 tasks");

    await page.getByRole("searchbox").fill("SCORE");
    await soon(shownTasks).toBe("50 tasks");
    await page.getByRole("searchbox").fill("299");
    await soon(shownTasks).toBe("1 task");
    await page.getByRole("searchbox").fill("");
    await page.getByRole("combobox", { name: "State" }).selectOption("failed");
    await soon(shownTasks).toBe(`${trace.failures.length} tasks`);
    await page.getByRole("button", { name: "None" }).click();
    await soon(shownTasks).toBe("0 tasks");
  });

  it("sorts and pages the table of tasks", async () => {
    const trace = syntheticTrace({ tasks: 300, failing: 0, lost: 0 });
    await open(trace);
    const table = await section("tasks");
    const rows = (): Promise<string[]> => table.locator("tbody tr").allTextContents();
    expect((await rows())[0]).toContain("#0");
    await table.getByRole("button", { name: "Last page" }).click();
    expect((await rows()).at(-1)).toContain("#299");
    await table.getByRole("button", { name: "duration" }).click();
    await table.getByRole("button", { name: "duration" }).click();
    const { tasks } = trace;
    const longest = [...tasks.finishedMs.keys()].sort(
      (a, b) => tasks.finishedMs[b] - tasks.startedMs[b] - tasks.finishedMs[a] + tasks.startedMs[a],
    );
    expect((await rows())[0]).toContain(`#${longest[0]}`);
    expect(await table.locator("th[aria-sort=descending]").textContent()).toContain("duration");
  });

  it("opens labels in the graph and shows their tasks", async () => {
    await open(
      syntheticTrace({ tasks: 24, labels: ["load", "train", "score"], failing: 0, lost: 0 }),
    );
    const graph = await section("graph");
    expect(await graph.locator(".node").count()).toBe(3);
    await graph.locator(".node", { hasText: "train" }).click();
    await soon(() => graph.locator(".node").count()).toBe(10);
    // By keyboard, too.
    await graph.locator(".node", { hasText: "score" }).focus();
    await page.keyboard.press("Enter");
    await soon(() => graph.locator(".node").count()).toBe(17);
    await graph.locator(".node", { hasText: "#9" }).first().click();
    const panel = page.getByRole("complementary", { name: "Selected task" });
    await soon(() => panel.textContent()).toContain("id9");
    await soon(() => graph.locator(".node.selected").count()).toBe(1);
    await page.keyboard.press("Escape");
    await graph.getByTitle("Close again").first().click();
    await soon(() => graph.locator(".node").count()).toBe(10);
  });

  it("shows why tasks failed, and texts as they are", async () => {
    const evil = `${EVIL}one`;
    const labels = [evil, "plain", `x ${EVIL}`];
    const trace = syntheticTrace({ tasks: 90, failing: 0.1, labels, stderr: OUTPUT });
    await open({ ...trace, warnings: [EVIL] }, { title: EVIL });
    expect(await page.title()).toBe(EVIL);
    const failures = await section("failures");
    expect(await failures.locator("pre.stderr").first().textContent()).toBe(OUTPUT);
    const first = (await failures.locator(".failure").first().textContent()) ?? "";
    expect(first).toContain("the program ended with exit status 3");
    expect(first).toContain("peak of memory293.0 MiB");
    expect(first).toMatch(/hostnode\d/);
    expect(await failures.locator(".memory-curve polyline").count()).toBeGreaterThan(0);
    for (const id of ["summary", "graph", "durations", "critical-path", "workers"])
      await section(id);
    const table = await section("tasks");
    await table.locator(".task-link").first().click();
    const panel = page.getByRole("complementary", { name: "Selected task" });
    await soon(() => panel.locator("h2").textContent()).toBe(`${evil}:0`);
    expect(await panel.locator("pre.metadata").textContent()).toContain("a <b>note</b>");
    expect(await page.locator("img, section b, aside b").count()).toBe(0);
    expect(await page.locator("script").count()).toBe(1);
  });

  it("is light and dark, as the system says or the user", async () => {
    const background = (): Promise<string> =>
      page.evaluate("getComputedStyle(document.body).backgroundColor");
    await open(syntheticTrace({ tasks: 50 }), { dark: true });
    const dark = await background();
    const darkPixels = await timelinePixels();
    await page.getByRole("combobox", { name: "Colours" }).selectOption("light");
    await soon(background).not.toBe(dark);
    await soon(timelinePixels).not.toBe(darkPixels);
    await page.emulateMedia({ colorScheme: "light" });
    await page.getByRole("combobox", { name: "Colours" }).selectOption("dark");
    await soon(background).toBe(dark);
    await page.getByRole("combobox", { name: "Colours" }).selectOption("auto");
    await soon(background).not.toBe(dark);
  });

  it("shows a trace in which nothing happened", async () => {
    const trace = syntheticTrace({ tasks: 0, workers: 1 });
    await open({ ...trace, workers: [], complete: false });
    for (const id of await page.locator("section").evaluateAll((all) => all.map((one) => one.id))) {
      expect(await (await section(id)).textContent()).not.toMatch(/NaN|undefined/);
    }
    expect(await (await section("summary")).textContent()).toContain("does not end in order");
  });

  it("opens with a million tasks", async () => {
    const trace = syntheticTrace({ tasks: 1_000_000, workers: 20, cpus: 24, failing: 0.001 });
    await open(trace);
    await zoom(0.3, 0.31);
    await soon(() => zoomedOut().isEnabled()).toBe(true);
    expect(await shownTasks()).toBe("1,000,000 tasks");
    await page.getByRole("searchbox").fill("load:77");
    await soon(shownTasks).toMatch(/^[\d,]{4,6} tasks$/);
  }, 120_000);
});
