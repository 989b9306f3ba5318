/** Futures in the order in which they settle. Called by Client. */
import { cancelledError, throwIfAborted } from "./abort.js";
import { Future } from "./future.js";
import type { ResultState } from "./result-state.js";

export async function* completed<F extends Future>(
  futures: readonly F[],
  signal: AbortSignal | undefined,
): AsyncGenerator<F> {
  const what = `waiting for ${futures.length} results`;
  throwIfAborted(signal, what);
  const byState = new Map<ResultState, F>();
  for (const future of futures) byState.set(Future.stateOf(future), future);

  const ready: F[] = [];
  let wake = () => {};
  const listener = {
    settled: (state: ResultState) => {
      ready.push(byState.get(state)!);
      wake();
    },
  };
  const aborted = () => wake();
  signal?.addEventListener("abort", aborted);
  for (const [state, future] of byState) {
    if (state.status === "pending") state.listen(listener);
    else ready.push(future);
  }
  try {
    for (let given = 0; given < byState.size; given++) {
      while (given === ready.length && !signal?.aborted) {
        await new Promise<void>((resolve) => {
          wake = resolve;
        });
      }
      if (signal?.aborted) throw cancelledError(what, signal);
      yield ready[given];
    }
  } finally {
    signal?.removeEventListener("abort", aborted);
    for (const state of byState.keys()) {
      if (state.status === "pending") state.unlisten(listener);
    }
  }
}
