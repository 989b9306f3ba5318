/**
 * Numbers of the protocol between server and workers as far as both cores see them. The room does
 * not use the protocol itself: a test compares these with it.
 */
import type { ServerCore } from "../server-core/index.js";
import type { WorkerCore } from "../worker-core/index.js";

/** A plan as the server core takes it. */
export type PlanColumns = Parameters<ServerCore["submitPlan"]>[1];
/** An assignment as the worker core takes it. */
export type AssignRecord = Parameters<WorkerCore["assign"]>[0];

/** Numbers of built-in symbols. */
export const CPUS = 3;
/** Type of the light tasks. */
export const MERGE = 5;
/** Type of the tasks that take an element of a result. */
export const GET = 9;
/** Type of the tasks with a request: a function. */
export const CALL = 16;
/** So many symbols are built in. */
export const SYMBOLS = 23;

/** Where a worker finds an input. */
export const InputPlace = { local: 0, inline: 1, remote: 2, later: 3 } as const;

/** Results up to this many bytes travel inside messages. */
export const INLINE_LIMIT = 64;

/** As a holder in `inputLost`: the worker itself. */
export const THIS_WORKER = 0xffff;

/** Bits of a plan's flags. */
export const PlanTaskFlag = { result: 1, label: 4 } as const;
