/** Part of room `scheduler`: plans by looking ahead. */
export { Lookahead } from "./lookahead.js";
export type { LookaheadPlan, LookaheadProblem, NetworkModel } from "./problem.js";
