/** What the server core keeps per client, plan and worker (per task: task-table.ts). */
import type { PlanColumns } from "../protocol/index.js";

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
}

/** A plan whose rows are in the table. */
export interface PlanRecord {
  readonly index: number;
  readonly client: ClientRecord;
  readonly idBase: number;
  readonly taskCount: number;
  readonly firstRow: number;
  readonly firstEdge: number;
  readonly edgeCount: number;
  /** Bytes of the request: configs and rare fields are read from them. */
  readonly bytes: Uint8Array;
  /** Where the Task messages are, kept only if some have rare fields. */
  readonly messages: Pick<PlanColumns, "bytes" | "messageStart" | "messageLength"> | undefined;
  /** Configs of tasks whose own was replaced (those taken from a checkpoint). By row. */
  readonly replacedConfig: Map<number, Uint8Array>;
  /** Rows that are neither released nor failed (failed ones count while the client holds them). */
  active: number;
  /** Plans with inputs in this one that still exist: they may need it for lineage. */
  users: number;
  /** The plans that this one has inputs in, */
  readonly uses: Set<PlanRecord>;
  /** and those inputs. */
  readonly foreignInputs: Set<number>;
  /** A classic client was told of a failure. */
  failureTold: boolean;
}

/** A registered worker. Its load is the scheduler's. */
export interface WorkerRecord {
  readonly index: number;
  readonly cpus: number;
  /** "host:port", for messages. */
  readonly address: string;
  finishedTasks: number;
}
