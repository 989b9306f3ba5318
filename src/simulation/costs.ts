/** What takes time besides the tasks themselves: the modelled server, workers and messages. */

export interface Costs {
  /** A message's way, between any two processes. */
  readonly latencyMs: number;
  /** Server: one turn of its event loop. */
  readonly serverTurnUs: number;
  /** Server: one frame of messages received or sent. */
  readonly serverFrameUs: number;
  /** Server: one task, all in all, counted when it is assigned. */
  readonly serverTaskUs: number;
  /** Server: reading one task of a plan. */
  readonly serverSubmitUs: number;
  /** Worker: one light task, in its own thread, in addition to the task's duration. */
  readonly lightTaskUs: number;
  /** Worker: starting a task with a request, in its own thread. */
  readonly startUs: number;
  /** A task with a request: what it holds its cores longer than it executes. */
  readonly callUs: number;
}

/**
 * Measured on one machine of 2026: a server core takes 1 to 2 µs a task, a light task a worker 2 to
 * 3 µs, a call of a function about 50 µs; latency as in a data centre's network.
 */
export const DEFAULT_COSTS: Costs = {
  latencyMs: 0.1,
  serverTurnUs: 10,
  serverFrameUs: 3,
  serverTaskUs: 1,
  serverSubmitUs: 0.3,
  lightTaskUs: 3,
  startUs: 5,
  callUs: 50,
};

/** Nothing but the tasks takes time: for exact comparisons. */
export const NO_COSTS: Costs = {
  latencyMs: 0,
  serverTurnUs: 0,
  serverFrameUs: 0,
  serverTaskUs: 0,
  serverSubmitUs: 0,
  lightTaskUs: 0,
  startUs: 0,
  callUs: 0,
};
