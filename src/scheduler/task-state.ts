/**
 * The states of a task and the flags beside them, as numbers in the task table's columns.
 *
 *            submit                all inputs finished
 *   free ──────────────▶ waiting ◀────────────────────▶ ready      (input lost: back)
 *                          │  ╲ assigned ahead           │
 *                          │   ╲____________   __________│ assigned
 *                          │                ╲ ╱
 *                          │    retracted,   ▼
 *                          │◀── lost ───── assigned ──▶ finished ──▶ released
 *                          │                 │             │   dropped:  │
 *                          └───── failed ◀───┘             │   not needed│
 *                          ▲                               └── lost ─┐   │
 *                          └────────── computed again (lineage) ◀────┴───┘
 *
 * A task that nobody needs any more goes to `released` from every state but `failed`.
 */
export const TaskState = {
  /** The row is not in use. */
  free: 0,
  /** Some input is not finished. */
  waiting: 1,
  /** All inputs are finished, no worker has it. */
  ready: 2,
  /** Sent to a worker, which may run it, queue it, or wait for its inputs. */
  assigned: 3,
  /** Its object exists. */
  finished: 4,
  /** It has no object and nobody needs one; it can be computed again for lineage. */
  released: 5,
  /** It, or something it needs, has failed. */
  failed: 6,
} as const;

/** Bits of the task table's `flags` column. */
export const TaskFlag = {
  /** The client holds its result. */
  held: 1,
  /** Nobody uses its result, it runs for what it does: held until it is finished. */
  sink: 2,
  /** The client was told that it is finished. */
  announced: 4,
  /** It is in one of the scheduler's per-worker queues. */
  queued: 8,
  /** A `retract` is on its way to its worker. */
  retracting: 16,
  /** Its worker said that it has started. */
  started: 32,
  /** Somebody waits to read its result. */
  watched: 64,
  /** The plan's Task message has rare fields (label, checkpoint path, metadata). */
  extras: 128,
} as const;
