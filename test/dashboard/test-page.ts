/** A browser with the live page in it, for one test; what goes wrong in the page is collected. */
import type { Browser, Page } from "playwright-core";
import { startBrowser, watchPage } from "../browser/chromium.js";

export class TestPage implements AsyncDisposable {
  readonly problems: readonly string[];

  private constructor(
    private readonly browser: Browser,
    readonly page: Page,
  ) {
    this.problems = watchPage(page);
  }

  static async open(url: string, width = 1280): Promise<TestPage> {
    const browser = await startBrowser();
    const page = await browser.newPage({ viewport: { width, height: 1000 } });
    page.setDefaultTimeout(30_000);
    const test = new TestPage(browser, page);
    await page.goto(url);
    return test;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.browser.close();
  }
}
