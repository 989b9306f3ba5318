/** Explanations: what becomes of a task, and why. Reads everything, changes nothing. */
export { explain, explainOwn } from "./explain.js";
