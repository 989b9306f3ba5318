/** Where the results of clients are: for reads. Asked through ServerCore.locate(). */
import { TaskFlag, TaskState } from "../scheduler/index.js";
import type { CoreState } from "./core-state.js";
import { findRow } from "./submit.js";
import type { FailureDetails } from "./task-failure.js";
import { NONE } from "./task-table.js";

/** Where a result is, for somebody who wants to read it. */
export type ResultPlace =
  | { readonly kind: "unknown" }
  | { readonly kind: "open"; readonly row: number }
  | { readonly kind: "failed"; readonly failure: FailureDetails }
  | {
      readonly kind: "finished";
      readonly row: number;
      readonly attempt: number;
      /** A small result itself; else ask a holder. */
      readonly inline: Uint8Array | undefined;
      readonly holders: readonly number[];
    };

/** Where the client's task is; "unknown" also if it isn't a result that the client holds. */
export function locate(core: CoreState, handle: number, id: number): ResultPlace {
  const { table, failures } = core;
  const client = core.clients.get(handle);
  const row = client === undefined ? undefined : findRow(client, id);
  if (row === undefined || !(table.flags[row] & TaskFlag.held)) return { kind: "unknown" };
  if (table.state[row] === TaskState.failed) return { kind: "failed", failure: failures.get(row)! };
  if (table.state[row] !== TaskState.finished) return { kind: "open", row };
  const cell = table.inlineCell[row];
  return {
    kind: "finished",
    row,
    attempt: table.attempt[row],
    inline: cell === NONE ? undefined : table.inline.copy(cell),
    holders: table.holders(row),
  };
}
