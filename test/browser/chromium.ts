/**
 * Debian's chromium, or the one that CHROMIUM names, for tests of pages; and what goes wrong in a page.
 * Without a chromium these tests are skipped. Used for the live page, the report and the report's benchmark.
 */
import { existsSync } from "node:fs";
import { type Browser, chromium, type Page } from "playwright-core";

const PLACES = [process.env.CHROMIUM ?? "", "/usr/bin/chromium", "/usr/bin/chromium-browser"];
const path = PLACES.find((place) => place !== "" && existsSync(place));

export const hasBrowser = path !== undefined;
if (!hasBrowser) {
  console.warn(
    "No chromium: tests in a browser are skipped. Install it, or set CHROMIUM to its path.",
  );
}

export function startBrowser(): Promise<Browser> {
  // As root, as in containers, chromium has no sandbox.
  const args = process.getuid?.() === 0 ? ["--no-sandbox"] : [];
  return chromium.launch({ executablePath: path, args });
}

/** Collects what the page logs as warning or error, throws, opens as a dialog; `offline`: asks the network for. */
export function watchPage(page: Page, { offline = false } = {}): string[] {
  const problems: string[] = [];
  page.on("console", (message) => {
    if (["warning", "error"].includes(message.type())) problems.push(message.text());
  });
  page.on("pageerror", (error) => problems.push(String(error.stack ?? error)));
  page.on("dialog", (dialog) => {
    problems.push(`dialog: ${dialog.message()}`);
    void dialog.dismiss();
  });
  page.on("request", (request) => {
    if (offline && /^https?:/.test(request.url())) problems.push(`request: ${request.url()}`);
  });
  return problems;
}
