/** Room `executors`: one contract, several ways to execute a task. */
export * from "./contract.js";
