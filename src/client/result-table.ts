/**
 * The results of one connection by id, and waiting for them. Owns which states exist and
 * the waiting; changes of state come from the session.
 */
import type { LoomError } from "../base/index.js";
import { cancelledError, throwIfAborted } from "./abort.js";
import type { ResultState, SettledListener } from "./result-state.js";

/** States by id. A released state is not in it any more. */
export class ResultTable {
  private readonly states = new Map<number, ResultState>();

  add(state: ResultState): void {
    this.states.set(state.id, state);
  }

  find(id: number): ResultState | undefined {
    return this.states.get(id);
  }

  remove(state: ResultState): void {
    this.states.delete(state.id);
  }

  /** All results of one plan. Goes through all states: for refused plans only. */
  ofPlan(idBase: number): ResultState[] {
    return [...this.states.values()].filter((state) => state.planId === idBase);
  }

  /** Fails everything that is pending, when the connection has ended. */
  failPending(error: LoomError): void {
    for (const state of [...this.states.values()]) {
      if (state.status === "pending") state.become("failed", error);
    }
  }
}

/** Counts down until all its states are finished; the first failure ends it. */
class FinishedCount implements SettledListener {
  private remaining = 0;

  constructor(
    private readonly states: readonly ResultState[],
    /** Futures of the states: as long as someone waits, they must not be collected. */
    readonly keptAlive: unknown,
    private readonly done: (error: LoomError | undefined) => void,
  ) {
    for (const state of states) {
      if (state.status !== "pending") continue;
      this.remaining++;
      state.listen(this);
    }
  }

  settled(state: ResultState): void {
    const error = state.findError();
    if (error === undefined && --this.remaining > 0) return;
    if (error !== undefined) this.stop();
    this.done(error);
  }

  stop(): void {
    for (const state of this.states) if (state.status === "pending") state.unlisten(this);
  }
}

/**
 * Resolves when all are finished; rejects at the first that failed or was released.
 * @param keptAlive the futures, held until then
 */
export async function waitUntilFinished(
  states: readonly ResultState[],
  keptAlive: unknown,
  signal: AbortSignal | undefined,
): Promise<void> {
  const what =
    states.length === 1
      ? `waiting for ${states[0].describe()},`
      : `waiting for ${states.length} results`;
  throwIfAborted(signal, what);
  let pending = false;
  for (const state of states) {
    const error = state.findError();
    if (error !== undefined) throw error;
    if (state.status === "pending") pending = true;
  }
  if (!pending) return;
  await new Promise<void>((resolve, reject) => {
    const count = new FinishedCount(states, keptAlive, (error) => {
      signal?.removeEventListener("abort", aborted);
      if (error === undefined) resolve();
      else reject(error);
    });
    const aborted = () => {
      count.stop();
      reject(cancelledError(what, signal!));
    };
    signal?.addEventListener("abort", aborted, { once: true });
  });
}
