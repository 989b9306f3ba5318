/** dslice and dget: the dynamic part of plans. */
export { type CopyBatch, retireBatch } from "./copy-batch.js";
export { endCrossings, holdBack } from "./crossings.js";
export {
  type Copies,
  type CopyRuns,
  type DynamicPlan,
  readIndices,
  rowsOf,
  runOf,
  tasksInCopies,
} from "./dynamic-plan.js";
export { expand, findLengthProblem } from "./expansion.js";
export { type DynamicProblem, findDynamicPart } from "./find-dynamic-part.js";
export { checkDynamicPart, countCrossings } from "./invariants.js";
