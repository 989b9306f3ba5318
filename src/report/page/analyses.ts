/** The analyses of the data in sight, each made when a view first asks for it, and once. No DOM. */
import * as analysis from "../analysis/index.js";
import type { ViewData } from "./view-data.js";

export class Analyses {
  private readonly made = new Map<string, unknown>();

  constructor(
    private readonly data: ViewData,
    private readonly mask: Uint8Array | undefined,
    /** With the same data and without a mask: what does not depend on the mask is taken from there. */
    private readonly all?: Analyses,
  ) {}

  get counts() {
    return this.once("counts", () => analysis.countsByLabel(this.data, this.mask));
  }
  get tasks() {
    return this.once("tasks", () => analysis.tasksOverTime(this.data, this.mask));
  }
  get traffic() {
    return this.once("traffic", () => analysis.traffic(this.data, this.mask));
  }
  get durations() {
    return this.once("durations", () => analysis.durationsByLabel(this.data, this.mask));
  }
  get attempts() {
    return this.once("attempts", () => analysis.attemptsByLabel(this.data, this.mask));
  }
  get slowest() {
    return this.once("slowest", () => analysis.slowestTasks(this.data, 100, this.mask));
  }
  get busy(): Pick<analysis.CoreUse, "busy" | "allBusy"> {
    if (this.mask === undefined) return this.cores;
    return this.once("busy", () => analysis.coresInUse(this.data, this.mask));
  }
  get waitsByLabel() {
    return this.once("waitsByLabel", () => analysis.waitsByLabel(this.data, this.waits, this.mask));
  }

  // Of all tasks, whatever is filtered.
  get cores(): analysis.CoreUse {
    return this.all?.cores ?? this.once("cores", () => analysis.coreUse(this.data));
  }
  get held(): ReturnType<typeof analysis.heldCores> {
    return this.all?.held ?? this.once("held", () => analysis.heldCores(this.data));
  }
  get waits(): analysis.Waits {
    return this.all?.waits ?? this.once("waits", () => analysis.waitsOf(this.data, this.cores));
  }
  get lanes(): analysis.Lanes {
    return this.all?.lanes ?? this.once("lanes", () => analysis.lanesOf(this.data));
  }
  get path(): analysis.CriticalPath {
    const make = () => analysis.criticalPath(this.data, this.lanes, this.waits);
    return this.all?.path ?? this.once("path", make);
  }
  get lost(): analysis.LostTime {
    return this.all?.lost ?? this.once("lost", () => analysis.lostTime(this.data, this.waits));
  }
  get scheduler(): analysis.SchedulerTime {
    return this.all?.scheduler ?? this.once("scheduler", () => analysis.schedulerTime(this.data));
  }
  get memory(): analysis.MemoryMarks[] {
    return this.all?.memory ?? this.once("memory", () => analysis.memoryMarks(this.data));
  }

  private once<T>(name: string, make: () => T): T {
    if (!this.made.has(name)) this.made.set(name, make());
    return this.made.get(name) as T;
  }
}
