/**
 * Rows for copies: plan records of their own, which no client's ids lead to, and which are
 * forgotten together with the client's plan. A batch takes the copies of many small expansions,
 * or of one large one. Owns their allocation and release.
 */
import type { CoreState } from "../core-state.js";
import type { PlanRecord } from "../records.js";
import type { Copies } from "./dynamic-plan.js";

/** Rows of a batch that is made for several small expansions, at most. */
const MAX_SHARED_ROWS = 65_536;
const NO_CONFIGS = new Map<number, Uint8Array>();

export interface CopyBatch {
  readonly plan: PlanRecord;
  readonly rowCapacity: number;
  readonly edgeCapacity: number;
  /** Bytes that each row has in the batch's own config bytes; 0: they have those of their template. */
  readonly configBytes: number;
  edgesUsed: number;
}

/** Where the allocated rows are, and their edges. */
export interface AllocatedCopies {
  readonly batch: CopyBatch;
  readonly firstRow: number;
  readonly firstEdge: number;
}

/** Allocates rows for one block of copies, with so many inputs each. The columns are not set. */
export function allocateCopies(
  core: CoreState,
  origin: PlanRecord,
  copies: Copies,
  block: number,
  count: number,
  inputCount: number,
  configBytes: number,
): AllocatedCopies {
  const batch = batchFor(core, origin, count, count * inputCount, configBytes);
  const { plan } = batch;
  const firstRow = plan.firstRow + plan.taskCount;
  const firstEdge = plan.firstEdge + batch.edgesUsed;
  plan.taskCount += count;
  batch.edgesUsed += count * inputCount;
  core.taskCount += count;
  origin.active += count;
  origin.client.openTasks += count;
  const { firstRows, copies: of, blocks } = plan.copies!;
  firstRows.push(firstRow);
  of.push(copies);
  blocks.push(block);
  return { batch, firstRow, firstEdge };
}

/** Allocates edges only. */
export function allocateEdges(core: CoreState, origin: PlanRecord, count: number): number {
  return addBatch(core, origin, 0, count, 0).plan.firstEdge;
}

function batchFor(
  core: CoreState,
  origin: PlanRecord,
  rows: number,
  edges: number,
  configBytes: number,
): CopyBatch {
  const { batches } = origin.dynamic!;
  let previousRows = 0;
  for (let i = batches.length - 1; i >= 0; i--) {
    const batch = batches[i];
    if (batch.configBytes !== configBytes || batch.rowCapacity === 0) continue;
    const fits =
      batch.plan.taskCount + rows <= batch.rowCapacity &&
      batch.edgesUsed + edges <= batch.edgeCapacity;
    if (fits) return batch;
    previousRows = batch.rowCapacity;
    break;
  }
  // The first one fits exactly: most plans expand once.
  const rowCapacity = Math.max(rows, Math.min(2 * previousRows, MAX_SHARED_ROWS));
  const edgeCapacity = Math.ceil((edges / rows) * rowCapacity);
  return addBatch(core, origin, rowCapacity, edgeCapacity, configBytes);
}

function addBatch(
  core: CoreState,
  origin: PlanRecord,
  rowCapacity: number,
  edgeCapacity: number,
  configBytes: number,
): CopyBatch {
  const { table, plans } = core;
  const index = core.freePlanIndices.pop() ?? plans.length;
  const plan: PlanRecord = {
    index,
    client: origin.client,
    idBase: origin.idBase,
    taskCount: 0,
    firstRow: table.allocateRows(rowCapacity),
    firstEdge: table.allocateEdges(edgeCapacity),
    edgeCount: edgeCapacity,
    bytes: configBytes === 0 ? origin.bytes : new Uint8Array(rowCapacity * configBytes),
    messages: undefined,
    replacedConfig: NO_CONFIGS,
    active: 0,
    users: 0,
    uses: new Set(),
    foreignInputs: new Set(),
    failureTold: false,
    expectedMs: configBytes === 0 ? origin.expectedMs : undefined,
    expectedBytes: configBytes === 0 ? origin.expectedBytes : undefined,
    dynamic: undefined,
    classes: origin.classes,
    labels: origin.labels,
    copies: { origin, firstRows: [], copies: [], blocks: [] },
  };
  plans[index] = plan;
  const batch = { plan, rowCapacity, edgeCapacity, configBytes, edgesUsed: 0 };
  origin.dynamic!.batches.push(batch);
  return batch;
}

/** The rows of a batch whose plan is forgotten may be used again, later. */
export function retireBatch(core: CoreState, batch: CopyBatch): void {
  const { plan, rowCapacity, edgeCapacity } = batch;
  const { index, firstRow, firstEdge } = plan;
  core.retirement.retire({
    ...{ firstRow, taskCount: rowCapacity },
    ...{ firstEdge, edgeCount: edgeCapacity },
  });
  core.plans[index] = undefined;
  core.freePlanIndices.push(index);
}
