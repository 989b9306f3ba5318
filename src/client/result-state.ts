/**
 * What the client knows about each result it asked for. Owns the states and who waits for
 * them; sends nothing. The table holds states, never futures: a future nobody refers to must
 * be collectable. Whoever waits keeps its futures alive through its listener.
 */
import { LoomError } from "../base/index.js";
import { describeTask } from "../graph/index.js";

/**
 * State of a future. `pending` → `finished` | `failed`; `finished` → `failed` when the
 * object is lost and can't be computed again; `failed` → `finished` when somebody had the task
 * executed again (the dashboard); any → `released`, which is final.
 */
export type FutureStatus = "pending" | "finished" | "failed" | "released";

/** Told once when a pending result is no longer pending. */
export interface SettledListener {
  settled(state: ResultState): void;
}

/** One result. 100,000 of them are usual: no promise, and no list until someone waits. */
export class ResultState {
  status: FutureStatus = "pending";
  /** Why it failed; for released ones, why if it wasn't plainly released. */
  error: LoomError | undefined;
  /** A small value, which came with the news that it is finished; until released. */
  value: Uint8Array | undefined;
  /** READ and OUTPUT requests on their way. */
  openRequests = 0;
  private listeners: SettledListener[] | undefined;

  constructor(
    readonly id: number,
    /** The id_base of its plan. */
    readonly planId: number,
    readonly taskType: string,
    readonly label: string | undefined,
  ) {}

  /** How messages name it. */
  describe(): string {
    return `the result of ${describeTask({ type: this.taskType, label: this.label })}, id ${this.id}`;
  }

  /** The error of using it although it failed or was released; undefined if it's usable. */
  findError(): LoomError | undefined {
    if (this.error !== undefined) return this.error;
    if (this.status !== "released") return undefined;
    return new LoomError(
      "released",
      `${this.describe()}, was released; keep its future unreleased as long as you use it`,
    );
  }

  listen(listener: SettledListener): void {
    if (this.listeners === undefined) this.listeners = [listener];
    else this.listeners.push(listener);
  }

  unlisten(listener: SettledListener): void {
    const at = this.listeners?.indexOf(listener) ?? -1;
    if (at >= 0) this.listeners!.splice(at, 1);
  }

  /** The only place where the status changes. Ignores what comes after `released`. */
  become(status: "finished" | "failed" | "released", error?: LoomError): void {
    if (this.status === "released") return;
    this.status = status;
    if (status === "finished") this.error = undefined;
    else this.value = undefined;
    if (error !== undefined) this.error = error;
    const listeners = this.listeners;
    if (listeners === undefined) return;
    this.listeners = undefined;
    for (const listener of listeners) listener.settled(this);
  }
}
