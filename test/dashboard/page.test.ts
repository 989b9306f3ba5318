/** The live page in a real browser, with a real cluster behind it. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Locator, Page } from "playwright-core";
import { describe, expect, onTestFinished, test } from "vitest";
import { tasks } from "../../src/client/index.js";
import { hasBrowser } from "../browser/chromium.js";
import { CliProcess } from "../cli/cli-process.js";
import { until } from "../cluster/test-cluster.js";
import { DashboardCluster } from "./dashboard-cluster.js";
import { TestPage } from "./test-page.js";

const HTML = `<img src=x onerror="alert('x')"><script>alert(1)</script>`;

/**
 * Run in the page: resolves when it was sent two more states. A new reader is sent the first one at once. Not
 * longer: a button forgets after four seconds that it was pressed.
 */
const UNTIL_UPDATED = `new Promise((resolve) => {
  const source = new EventSource("/api/v1/events");
  let states = 0;
  source.addEventListener("state", () => {
    if (++states < 3) return;
    source.close();
    resolve();
  });
})`;

function tile(page: Page, name: string): Locator {
  return page.locator("#cluster .tiles > div", { hasText: name }).locator("dd");
}

async function expectText(locator: Locator, text: string | RegExp): Promise<void> {
  await locator.filter({ hasText: text }).first().waitFor();
}

/** Buttons that change something are pressed twice. */
async function press(button: Locator): Promise<void> {
  await button.click();
  await button.click();
}

describe.skipIf(!hasBrowser)("the live page", () => {
  test("shows tasks as they run, labels as they are, and writes no errors to the console", async () => {
    await using cluster = await DashboardCluster.start(2, 1);
    await using shown = await TestPage.open(cluster.url);
    const { page } = shown;
    await expectText(tile(page, "workers"), "2");
    await expectText(page.locator("#running"), "No task with a resource request runs.");
    const sleeping = tasks.run("sleep 1000").withLabel(`${HTML}:1`);
    const [held, ...quick] = cluster.client.submit([
      sleeping,
      ...Array.from({ length: 20 }, (_, i) => tasks.const(String(i)).withLabel(`quick:${i}`)),
    ]);
    await expectText(tile(page, "finished"), "20");
    const row = page.locator("#running tbody tr");
    await expectText(row, `${HTML}:1`);
    await expectText(page.locator("#cluster tbody tr", { hasText: "quick" }), "20");
    await expectText(page.locator("#plans tbody tr"), HTML);
    await page.locator("#tasks").scrollIntoViewIfNeeded();
    await expectText(page.locator("#tasks"), "quick:3");
    await page.locator("#workers").scrollIntoViewIfNeeded();
    // A section is filled a moment after it comes into sight.
    await expectText(page.locator("#workers tbody tr").first(), /connected.*process \d+/);
    expect(await page.locator("#workers tbody tr").count()).toBe(2);
    await page.locator("#clients").scrollIntoViewIfNeeded();
    await page.locator("#clients tbody tr").first().waitFor();
    expect(await page.locator("#clients tbody tr").count()).toBe(1);
    for (const id of ["timeline", "progress", "load", "durations"]) {
      await page.locator(`#${id}`).scrollIntoViewIfNeeded();
      await page.locator(`#${id} canvas, #${id} svg, #${id} table`).first().waitFor();
    }
    expect(await page.locator("img, .sections script").count()).toBe(0);
    for (const future of [held, ...quick]) future.release();
    await page.locator("#running").scrollIntoViewIfNeeded();
    await expectText(page.locator("#running"), "No task with a resource request runs.");
    expect(shown.problems).toEqual([]);
  });

  test("shows why tasks failed, and retries them", async () => {
    await using cluster = await DashboardCluster.start(1, 1);
    const folder = mkdtempSync(join(tmpdir(), "loom-dashboard-test-"));
    onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
    const file = join(folder, "there");
    const program = `cat ${file} || { echo '${HTML.replaceAll("'", "")}' >&2; exit 3; }`;
    await using shown = await TestPage.open(cluster.url);
    const { page } = shown;
    await expectText(page.locator("#failures"), "Nothing has failed.");
    const future = cluster.client.submitOne(tasks.run(["sh", "-c", program]).withLabel(HTML));
    await expect(future.wait()).rejects.toThrow(/3/);
    const failure = page.locator("#failures details");
    await failure.locator("summary").click();
    await expectText(failure.locator("summary b"), HTML);
    await expectText(failure.locator("pre.stderr"), HTML.replaceAll("'", ""));
    // Not in the message as well.
    expect(await failure.locator("pre").count()).toBe(1);
    await expectText(failure.locator(".facts"), /exit status\s*3/);
    writeFileSync(file, "it is");
    await press(failure.getByRole("button", { name: "Retry" }));
    await expectText(failure.getByRole("status"), "1 open again");
    await until("the future is finished", () => future.status === "finished");
    expect(String(await future.gather())).toBe("it is");
    await press(failure.getByRole("button", { name: "Retry" }));
    await expectText(failure.getByRole("status"), /can't be retried|there is no task/);
    // The refusal is an answer with an error's status, which browsers log.
    const others = shown.problems.filter((text) => !/status of 40[49]/.test(text));
    expect(others).toEqual([]);
  });

  test("cancels a task and a plan, when asked twice", async () => {
    await using cluster = await DashboardCluster.start(1, 2);
    await using shown = await TestPage.open(cluster.url);
    const { page } = shown;
    const sleep = (label: string) => tasks.run("sleep 1000").withLabel(label);
    const [first, second] = cluster.client.submit([sleep("first"), sleep("second")]);
    const failed = expect(first.wait()).rejects.toThrow(/cancelled from the dashboard/);
    const row = page.locator("#running tbody tr", { hasText: "first" });
    const button = row.getByRole("button", { name: "Cancel task" });
    await button.click();
    await expectText(button, "Cancel: sure?");
    expect(first.status).toBe("pending");
    await button.click();
    await failed;
    await row.waitFor({ state: "detached" });
    const ended = expect(second.wait()).rejects.toThrow(/with all of its plan/);
    await press(page.locator("#plans").getByRole("button", { name: "Cancel plan" }));
    await ended;
    await expectText(tile(page, "failed"), "2");
    await page.locator("#failures details").nth(1).waitFor();
    expect(await page.locator("#failures details").count()).toBe(2);
    await page.locator("#plans").getByRole("button").waitFor({ state: "hidden" });
    for (const future of [first, second]) future.release();
    expect(shown.problems).toEqual([]);
  });

  test("shows a selected task with its button, at the side, and keeps it over updates", async () => {
    await using cluster = await DashboardCluster.start(1, 1);
    await using shown = await TestPage.open(cluster.url, 1920);
    const { page } = shown;
    await using future = cluster.client.submitOne(tasks.run("sleep 1000").withLabel("chosen:1"));
    const failed = expect(future.wait()).rejects.toThrow(/cancelled/);
    await page.locator("#tasks").scrollIntoViewIfNeeded();
    await page.locator("#tasks").getByText("chosen:1").first().click();
    const panel = page.getByRole("complementary", { name: "Selected task" });
    await expectText(panel, "chosen:1");
    const button = panel.getByRole("button", { name: "Cancel task" });
    await button.click();
    await page.evaluate(UNTIL_UPDATED);
    await expectText(button, "Cancel: sure?");
    await button.click();
    await failed;
    expect(shown.problems).toEqual([]);
  });

  test("fits on a small screen, with labels of 4,000 characters", async () => {
    await using cluster = await DashboardCluster.start(1, 2);
    await using shown = await TestPage.open(cluster.url, 375);
    const { page } = shown;
    const sideways = (): Promise<number> =>
      page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth");
    const long = "a label of words ".repeat(240);
    const [failing, running] = cluster.client.submit([
      tasks.run(["sh", "-c", "exit 3"]).withLabel(long),
      tasks.run("sleep 1000").withLabel("x".repeat(4000)),
    ]);
    await expect(failing.wait()).rejects.toThrow(/3/);
    const failure = page.locator("#failures details");
    const summary = failure.locator("summary");
    await summary.waitFor();
    const box = await summary.boundingBox();
    expect(box?.height).toBeLessThan(150);
    await page.locator("#running tbody tr").waitFor();
    for (const id of await page.locator("section").evaluateAll((all) => all.map((s) => s.id))) {
      await page.locator(`#${id}`).scrollIntoViewIfNeeded();
      await page.locator(`#${id}[data-shown]`).waitFor();
    }
    expect(await sideways()).toBe(0);
    await summary.click();
    await expectText(failure.locator("pre.whole-label"), long);
    expect(await sideways()).toBe(0);
    for (const future of [failing, running]) future.release();
    expect(shown.problems).toEqual([]);
  });

  test("tells of workers that come and go", async () => {
    await using cluster = await DashboardCluster.start(1, 1);
    await using shown = await TestPage.open(cluster.url);
    const { page } = shown;
    await page.locator("#workers").scrollIntoViewIfNeeded();
    await expectText(page.locator("#workers tbody tr"), "connected");
    const worker = await cluster.cluster.addWorker(3);
    const row = page.locator("#workers tbody tr", { hasText: worker.address });
    await expectText(row, "of 3");
    cluster.cluster.kill(worker);
    await expectText(row, /gone after/);
    expect(await page.locator("#workers tbody tr").count()).toBe(2);
    expect(shown.problems).toEqual([]);
  });

  test("is light or dark as the system is", async () => {
    await using cluster = await DashboardCluster.start(0, 1);
    await using shown = await TestPage.open(cluster.url);
    const { page } = shown;
    const background = () =>
      page.evaluate(
        "getComputedStyle(document.querySelector('.sections section')).backgroundColor",
      );
    await page.locator("#cluster").waitFor();
    await page.emulateMedia({ colorScheme: "light" });
    const light = await background();
    await page.emulateMedia({ colorScheme: "dark" });
    expect(await background()).not.toBe(light);
    expect(shown.problems).toEqual([]);
  });

  test("goes on by itself when the server was away, with what the new one knows", async () => {
    const start = async (flags: string[]): Promise<[CliProcess, string]> => {
      const server = new CliProcess(["server", "--port", "0", ...flags]);
      onTestFinished(async () => {
        server.kill("SIGKILL");
        await server.finished;
      });
      const [, url] = await server.waitFor("its dashboard", ({ stdout }) =>
        /^Dashboard at (\S+)$/m.exec(stdout),
      );
      return [server, url];
    };
    const [first, url] = await start([]);
    await using shown = await TestPage.open(url);
    const { page } = shown;
    const status = page.locator(".connection");
    await expectText(status, "live");
    first.kill("SIGKILL");
    await first.finished;
    await expectText(status, "does not answer");
    await start(["--http-port", new URL(url).port]);
    await expectText(status, "live");
    await expectText(tile(page, "up for"), /^\d(\.\d+)? s$|ms/);
    // Browsers log connections that are refused.
    const others = shown.problems.filter((text) => !/ERR_|net::/.test(text));
    expect(others).toEqual([]);
  });

  test("keeps up with 100,000 tasks: details are shed, numbers are right, and it says so", async () => {
    await using cluster = await DashboardCluster.start(1, 1);
    await using shown = await TestPage.open(cluster.url);
    const { page } = shown;
    await expectText(tile(page, "workers"), "1");
    const many = Array.from({ length: 100_000 }, () => tasks.const("x").withLabel("many"));
    await using whole = cluster.client.submitOne(tasks.merge(many).withLabel("whole"));
    await whole.wait();
    await expectText(tile(page, "finished"), "100,001");
    await expectText(page.locator("#cluster tbody tr", { hasText: "many" }), "100,000");
    await expectText(page.locator("#cluster"), /tasks came too fast to be shown one by one/);
    await expectText(page.locator(".connection"), "live");
    expect(shown.problems).toEqual([]);
  });
});
