/** What the server core keeps per client, plan and worker (per task: task-table.ts). */
import type { WorkerResources } from "../graph/index.js";
import type { PlanColumns } from "../protocol/index.js";
import type { TaskClass } from "../scheduler/index.js";
import type { CopyRuns, DynamicPlan } from "./expansion/index.js";
import type { ClientLabels, PlanLabels } from "./label-counts.js";

/** A connected client. Its task ids mean something only together with it. */
export interface ClientRecord {
  /** The shell's number for it. */
  readonly handle: number;
  /** Speaks wire version 2 without our extensions. */
  readonly classic: boolean;
  /** In the order of their ids. */
  plans: PlanRecord[];
  /** Ids below this have been used. */
  nextId: number;
  /** False once it has disconnected. */
  connected: boolean;
  finishedTasks: number;
  failedTasks: number;
  /** Tasks that are waiting, ready or assigned. */
  openTasks: number;
  /** The same numbers by label. */
  readonly labels: ClientLabels;
}

/** A plan whose rows are in the table. */
export interface PlanRecord {
  readonly index: number;
  readonly client: ClientRecord;
  readonly idBase: number;
  /** Grows only if the rows are copies. */
  taskCount: number;
  readonly firstRow: number;
  readonly firstEdge: number;
  readonly edgeCount: number;
  /** Bytes of the request: configs and rare fields are read from them. */
  readonly bytes: Uint8Array;
  /** Where the Task messages are, kept only if some have rare fields. */
  readonly messages: Pick<PlanColumns, "bytes" | "messageStart" | "messageLength"> | undefined;
  /** Configs of tasks whose own was replaced (those taken from a checkpoint). By row. */
  readonly replacedConfig: Map<number, Uint8Array>;
  /**
   * Rows that are neither released nor failed (failed ones count while the client holds them), of the
   * plan and of all its copies.
   */
  active: number;
  /** Plans with inputs in this one that still exist: they may need it for lineage. */
  users: number;
  /** The plans that this one has inputs in, */
  readonly uses: Set<PlanRecord>;
  /** and those inputs. */
  readonly foreignInputs: Set<number>;
  /** A classic client was told of a failure. */
  failureTold: boolean;
  /** What the user declared, by task; NaN: nothing. Undefined: nothing of any task. */
  readonly expectedMs: Float32Array | undefined;
  readonly expectedBytes: Float64Array | undefined;
  /** What is expanded when lengths are known; undefined: no task is a dslice or dget. */
  readonly dynamic: DynamicPlan | undefined;
  /** All that its tasks, or their copies, are: as long as it is there none of them is forgotten. */
  readonly classes: Set<TaskClass>;
  /** Numbers of its tasks by label; copies count in those of the client's plan. */
  readonly labels: PlanLabels;
  /** The rows are copies of tasks of a client's plan, which keeps the books for them. */
  readonly copies: CopyRuns | undefined;
}

/** A registered worker. Its load is the scheduler's. */
export interface WorkerRecord {
  readonly index: number;
  readonly resources: WorkerResources;
  /** "host:port", for messages. */
  readonly address: string;
  finishedTasks: number;
  /** Bytes of objects in its memory, as it told last. */
  memoryBytes: number;
}
