/**
 * The live page: connects to the server's events, keeps what it is told (live-data.ts), and shows it with the
 * report's views and sections of its own. Owns when the views are updated.
 */
import "./style.css";
import { element, type MountedViews, mountViews } from "../../report/page/index.js";
import { TracedState } from "../../trace/index.js";
import { cancelTaskButton, retryTaskButton } from "./actions.js";
import { LiveData } from "./live-data.js";
import { listenToEvents } from "./live-source.js";
import { failuresSection, logSection } from "./sections/failures.js";
import { clientsSection, plansSection, runningSection, workersSection } from "./sections/lists.js";
import { overviewSection } from "./sections/overview.js";
import { progressSection } from "./sections/progress.js";

/** Sections of this page, and those of the report's that make sense without a whole trace. */
const SECTIONS = [
  ...["cluster", "running", "plans", "failures", "timeline", "progress", "load", "durations"],
  ...["tasks", "workers", "clients", "log"],
];

class LivePage {
  private data: LiveData | undefined;
  private views: MountedViews | undefined;
  private isPlanned = false;
  private buttons: { readonly key: string; readonly elements: HTMLElement[] } = {
    key: "",
    elements: [],
  };
  private readonly status = element("span", { class: "connection", role: "status" }, "connecting");

  start(): void {
    document.body.append(this.status);
    listenToEvents({
      state: (event) => {
        if (this.data?.isSameServer(event) === false) this.forget();
        if (this.data === undefined) this.data = new LiveData(event);
        else this.data.stateCame(event);
        this.planUpdate();
      },
      tasks: (event) => this.data?.tasksCame(event),
      missed: (ticks) => {
        this.data?.ticksMissed(ticks);
        void this.readFailures();
      },
      connection: (isThere) => {
        if (isThere) this.data?.reconnected();
        this.status.textContent = isThere ? "live" : "the server does not answer, trying again";
        this.status.classList.toggle("lost", !isThere);
      },
    });
    document.addEventListener("visibilitychange", () => this.planUpdate());
  }

  /** At most once a frame, and not while nobody sees it. */
  private planUpdate(): void {
    if (this.isPlanned || document.hidden) return;
    this.isPlanned = true;
    requestAnimationFrame(() => {
      this.isPlanned = false;
      this.update();
    });
  }

  private update(): void {
    const { data } = this;
    if (data === undefined) return;
    if (this.views !== undefined) {
      this.views.update(data.view());
      return;
    }
    const live = (): LiveData => this.data ?? data;
    const extraSections = [
      overviewSection(live),
      runningSection(live),
      plansSection(live),
      failuresSection(live),
      progressSection(live),
      workersSection(live),
      clientsSection(live),
      logSection(live),
    ];
    this.views = mountViews(document.body, data.view(), {
      sections: SECTIONS,
      extraSections,
      taskDetails: (task) => this.taskButtons(task),
      toolbar: [this.status],
    });
  }

  /** The same ones again for the same task: it may have been pressed once. */
  private taskButtons(task: number): HTMLElement[] {
    const tasks = this.data?.tasks;
    if (tasks === undefined) return [];
    const name = tasks.nameOf(task);
    const state = tasks.stateOf(task);
    const key = `${name} ${state}`;
    if (this.buttons.key === key) return this.buttons.elements;
    const elements = [];
    if (state === TracedState.failed) elements.push(retryTaskButton(name));
    else if (state === TracedState.assigned) elements.push(cancelTaskButton(name));
    this.buttons = { key, elements };
    return elements;
  }

  private forget(): void {
    this.data = undefined;
    this.views?.destroy();
    this.views = undefined;
  }

  /** Those that were told while this page was too slow. */
  private async readFailures(): Promise<void> {
    const response = await fetch("/api/v1/failures").catch(() => undefined);
    if (response?.ok) this.data?.failuresCame((await response.json()).failures);
  }
}

new LivePage().start();
