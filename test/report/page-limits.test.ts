/** Reports of traces that are unusual in size: much of something, nothing of it, long texts, small screens. */
import type { Browser, Locator } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { TracedState } from "../../src/trace/index.js";
import { hasBrowser, startBrowser } from "../browser/chromium.js";
import { boxOf, ReportPage, sidewaysPx, ticksOf } from "./report-page.js";
import { syntheticTrace } from "./synthetic-trace.js";

const LONG = "a long label of words ".repeat(180);
const manyLabels = (count: number): string[] => Array.from({ length: count }, (_, i) => `l${i}`);

/** Until it is so; on a machine that is busy that may take a while. */
function soon<T>(read: () => T | Promise<T>): ReturnType<typeof expect.poll<T>> {
  return expect.poll(read, { timeout: 30_000 });
}

describe.skipIf(!hasBrowser)("a report in a browser", () => {
  let browser: Browser;
  beforeAll(async () => {
    browser = await startBrowser();
  });
  afterAll(() => browser?.close());

  const chartOf = ({ page }: ReportPage, title: string): Locator =>
    page.getByRole("figure", { name: title, exact: true });

  it("does not scroll sideways on a small screen, whatever labels there are", async () => {
    const labels = [LONG, "x".repeat(4000), ...manyLabels(28)];
    const trace = syntheticTrace({ tasks: 300, labels, failing: 0.2, workers: 5 });
    await using report = await ReportPage.open(browser, trace, { width: 375, height: 800 });
    await report.allSections();
    expect(await sidewaysPx(report.page)).toBe(0);
    await (await report.section("tasks")).locator(".task-link").first().click();
    await report.page.getByRole("complementary", { name: "Selected task" }).waitFor();
    expect(await sidewaysPx(report.page)).toBe(0);
    expect(report.problems).toEqual([]);
  });

  it("has 200 labels in a table, and says how many are left out", async () => {
    const labels = manyLabels(230);
    const trace = syntheticTrace({ tasks: 2300, labels, inputs: 0, failing: 0.5, lost: 0 });
    await using report = await ReportPage.open(browser, trace);
    for (const id of ["waiting", "durations"]) {
      const section = await report.section(id);
      expect(await section.locator("table").first().locator("tbody tr").count(), id).toBe(200);
      expect(await section.locator(".left-out").textContent(), id).toMatch(
        /^30 labels .* shown\.$/,
      );
    }
    const failures = await report.section("failures");
    expect(await failures.locator("table tbody tr").count()).toBe(200);
    expect(await failures.locator(".left-out").textContent()).toMatch(/^\d+ labels .* shown\.$/);
    expect(report.problems).toEqual([]);
  });

  it("has whole rows of labels and of legends, and a button that shows all", async () => {
    const labels = manyLabels(300).map((name) => `${name} has a name`);
    const trace = syntheticTrace({ tasks: 3000, labels, inputs: 0, failing: 0, lost: 0 });
    await using report = await ReportPage.open(browser, trace);
    await report.section("progress");
    const chips = report.page.locator(".row-box", { has: report.page.locator(".chips") });
    const legend = chartOf(report, "Finished tasks by label").locator(".row-box");
    for (const [box, button, rows] of [
      [chips, "Show all 300 labels", 2],
      [legend, "Show all 24 lines", 3],
    ] as const) {
      const whole = await boxOf(box.locator(".row-box-rows"));
      const things = await box
        .locator(".row-box-rows > *")
        .evaluateAll((all) => all.map((one) => one.getBoundingClientRect().toJSON()));
      const inSight = things.filter(({ top }) => top < whole.y + whole.height);
      expect(new Set(inSight.map(({ top }) => top)).size).toBe(rows);
      for (const { bottom } of inSight) {
        expect(bottom).toBeLessThanOrEqual(whole.y + whole.height + 0.5);
      }
      const more = box.getByRole("button", { name: button });
      await more.click();
      await soon(() => box.getByRole("button", { name: "Show fewer" }).isVisible()).toBe(true);
      expect((await boxOf(box.locator(".row-box-rows"))).height).toBeGreaterThan(whole.height);
      await box.getByRole("button", { name: "Show fewer" }).click();
      await soon(() => more.isVisible()).toBe(true);
    }
    // Where all fit there is no button.
    await report.page.getByRole("searchbox").fill("l299 ");
    await soon(() => legend.locator(".legend-entry").count()).toBe(1);
    expect(await legend.locator(".row-box-more").isVisible()).toBe(false);
    expect(report.problems).toEqual([]);
  });

  it("counts in whole steps", async () => {
    const trace = syntheticTrace({ tasks: 2, labels: ["a"], failing: 0, lost: 0, workers: 1 });
    await using report = await ReportPage.open(browser, trace);
    await report.section("progress");
    const chart = chartOf(report, "Finished tasks by label");
    await soon(() => ticksOf(chart)).toEqual(["0", "1", "2"]);
    expect(report.problems).toEqual([]);
  });

  it("says what there is nothing of, in place of a chart", async () => {
    const trace = syntheticTrace({ tasks: 3, labels: ["a"], failing: 1, lost: 0, workers: 1 });
    await using report = await ReportPage.open(browser, { ...trace });
    for (const [id, title, text] of [
      ["progress", "Finished tasks by label", "Nothing has finished."],
      ["progress", "Execution time of finished tasks by label, so far", "Nothing has finished."],
      ["transfers", "Bytes sent between workers by label of the data, so far", "No transfers."],
    ]) {
      await report.section(id);
      const chart = chartOf(report, title);
      await chart.getByText(text).waitFor();
      expect(await chart.locator(".plot").isVisible()).toBe(false);
    }
    const running = chartOf(report, "Tasks that wait for inputs, are ready, run");
    await running.locator("canvas").waitFor();
    expect(await running.locator(".nothing").isVisible()).toBe(false);
    expect(report.problems).toEqual([]);
  });

  it("draws a chart that was empty when there is something to show", async () => {
    const trace = syntheticTrace({ tasks: 200, failing: 0, lost: 0 });
    await using report = await ReportPage.open(browser, trace);
    await report.page.getByRole("searchbox").fill("nothing is called so");
    await report.section("progress");
    const chart = chartOf(report, "Finished tasks by label");
    await chart.getByText("Nothing has finished.").waitFor();
    await report.page.getByRole("searchbox").fill("");
    await chart.locator("canvas").waitFor();
    await soon(() => ticksOf(chart)).toContain("10");
    const plot = await boxOf(chart.locator(".plot"));
    await soon(async () => (await boxOf(chart.locator(".uplot"))).width).toBe(plot.width);
    expect(report.problems).toEqual([]);
  });

  it("shows the beginning of a long label, and all of it beside the task", async () => {
    const trace = syntheticTrace({ tasks: 20, labels: [LONG], failing: 1, lost: 0 });
    await using report = await ReportPage.open(browser, trace);
    const { page } = report;
    const failure = (await report.section("failures")).locator(".failure").first();
    expect((await boxOf(failure.locator("summary"))).height).toBeLessThan(60);
    await (await report.section("tasks")).locator(".task-link").first().click();
    const panel = page.getByRole("complementary", { name: "Selected task" });
    expect((await boxOf(panel.locator("h2"))).height).toBeLessThan(100);
    expect(await panel.locator("h2").getAttribute("title")).toBe(`${LONG}:0`);
    expect(await panel.locator("pre.whole-label").textContent()).toBe(`${LONG}:0`);
    const { x, y, width } = await report.plotBox();
    const at = (trace.tasks.startedMs[1] + trace.tasks.finishedMs[1]) / 2 / trace.durationMs;
    await page.keyboard.press("Escape");
    const row = await rowOf(report, 1);
    await page.mouse.move(x + at * width, y + row);
    const tooltip = page.getByRole("tooltip");
    await soon(() => tooltip.isVisible()).toBe(true);
    expect((await boxOf(tooltip)).height).toBeLessThan(180);
    expect(report.problems).toEqual([]);

    /** Middle of the row of a task's core; rows are 22 px high, with 6 px between workers. */
    async function rowOf(_: ReportPage, task: number): Promise<number> {
      const { worker, core } = trace.tasks;
      return worker[task] * (4 * 22 + 6) + core[task] * 22 + 8;
    }
  });

  it("counts executions that pass the filter below the time line", async () => {
    const trace = syntheticTrace({ tasks: 300, failing: 0, lost: 0 });
    await using report = await ReportPage.open(browser, trace);
    const timeline = await report.section("timeline");
    const note = timeline.locator(".content > .note");
    await soon(() => note.textContent()).toBe("300 executions on 3 workers.");
    await report.page.getByRole("searchbox").fill("score");
    await soon(() => note.textContent()).toBe("50 of 300 executions on 3 workers pass the filter.");
    expect(report.problems).toEqual([]);
  });

  describe("the tooltip of the time line", () => {
    /** One core: a task of 400 ms, a pause of 200 ms, one of 400 ms. */
    function twoTasks() {
      const trace = syntheticTrace({
        ...{ tasks: 2, labels: ["one", "two", "x"], workers: 1, cpus: 1 },
        ...{ inputs: 0, wide: 0, failing: 0, lost: 0 },
      });
      const { tasks } = trace;
      tasks.startedMs.set([0, 600]);
      tasks.finishedMs.set([400, 1000]);
      tasks.knownMs.set([400, 1000]);
      for (const column of [tasks.submittedMs, tasks.readyMs, tasks.assignedMs]) column.fill(0);
      tasks.state.fill(TracedState.finished);
      return { ...trace, durationMs: 1000 };
    }

    it("says what is below the pointer when it has not moved, but the time line has", async () => {
      await using report = await ReportPage.open(browser, twoTasks());
      const { page } = report;
      const { x, y, width } = await report.plotBox();
      const tooltip = page.getByRole("tooltip");
      await page.mouse.move(x + width * 0.39, y + 8);
      await soon(() => tooltip.textContent()).toContain("one");
      // Zoomed around the pointer it stays; then the time line moves below it, to the pause.
      await page.keyboard.down("Control");
      await page.mouse.wheel(0, -100);
      await page.mouse.wheel(0, -100);
      await page.keyboard.up("Control");
      await soon(() => page.getByRole("button", { name: "Show all the time" }).isEnabled()).toBe(
        true,
      );
      expect(await tooltip.isVisible()).toBe(true);
      await page.locator(".timeline").focus();
      await page.keyboard.press("ArrowRight");
      await soon(() => tooltip.isVisible()).toBe(false);
      await page.keyboard.press("ArrowRight");
      await page.keyboard.press("ArrowRight");
      await soon(() => tooltip.isVisible()).toBe(true);
      expect(await tooltip.textContent()).toContain("two");
      expect(report.problems).toEqual([]);
    });

    it("gives way to the panel of the task that is clicked", async () => {
      await using report = await ReportPage.open(browser, twoTasks());
      const { page } = report;
      const { x, y, width } = await report.plotBox();
      const tooltip = page.getByRole("tooltip");
      const panel = page.getByRole("complementary", { name: "Selected task" });
      await page.mouse.move(x + width * 0.62, y + 8);
      await soon(() => tooltip.isVisible()).toBe(true);
      await page.mouse.click(x + width * 0.62, y + 8);
      await soon(() => panel.isVisible()).toBe(true);
      expect(await tooltip.isVisible()).toBe(false);
      const { x: edge } = await boxOf(panel);
      await page.mouse.move(edge - 8, y + 9);
      await soon(() => tooltip.isVisible()).toBe(true);
      const over = await boxOf(tooltip);
      expect(over.x + over.width).toBeLessThanOrEqual(edge);
      expect(report.problems).toEqual([]);
    });
  });
});
