/** A plan of wire version 2, task by task; ids are given as docs/wire-v2.md says. */

import { create, type MessageInitShape, toBinary } from "@bufbuild/protobuf";
import {
  type PlanSchema,
  type ResourceRequestSchema,
  RunSchema,
  type TaskSchema,
} from "../../src/protocol/generated/loom_pb.js";

export interface TaskOptions {
  inputs?: number[];
  config?: string | Uint8Array;
  /** Resource request. Default none. */
  cpus?: number;
  /** Resource request by its index instead. */
  request?: number;
  /** The client wants the result. */
  result?: boolean;
  checkpointPath?: string;
  label?: string;
}

export interface ProgramOptions extends Omit<TaskOptions, "config"> {
  args: string[];
  /** map_inputs */
  mapInputs?: string[];
  /** map_outputs */
  mapOutputs?: string[];
}

type PlanInit = MessageInitShape<typeof PlanSchema>;

export class PlanBuilder {
  private readonly tasks: MessageInitShape<typeof TaskSchema>[] = [];
  private readonly requests: MessageInitShape<typeof ResourceRequestSchema>[] = [];
  private readonly results: number[] = [];

  constructor(
    readonly idBase: number,
    readonly symbol: (name: string) => number,
  ) {}

  get taskCount(): number {
    return this.tasks.length;
  }

  get resultIds(): readonly number[] {
    return this.results;
  }

  /** Adds a task; returns its id. */
  add(type: string, options: TaskOptions = {}): number {
    return this.addNumber(this.symbol(type), options);
  }

  /** The same, with `result` set. */
  result(type: string, options: TaskOptions = {}): number {
    return this.add(type, { ...options, result: true });
  }

  /** A task type by its symbol number. */
  addNumber(taskType: number, options: TaskOptions = {}): number {
    const id = this.idBase + this.tasks.length;
    const { config = "", inputs = [], cpus, request, result, checkpointPath, label } = options;
    this.tasks.push({
      taskType,
      config: Buffer.from(config),
      inputIds: inputs,
      resourceRequestIndex: cpus === undefined ? request : this.request(cpus),
      result,
      checkpointPath,
      label,
    });
    if (result) this.results.push(id);
    return id;
  }

  const(content: string | Uint8Array, result = false): number {
    return this.add("loom/data/const", { config: content, result });
  }

  /** A loom/run/run task, with one cpu unless said otherwise. Its result is wanted. */
  program(options: ProgramOptions): number {
    const { args, mapInputs = [], mapOutputs = [], ...rest } = options;
    const config = toBinary(RunSchema, create(RunSchema, { args, mapInputs, mapOutputs }));
    return this.add("loom/run/run", { cpus: 1, result: true, ...rest, config });
  }

  /** A shell script that is run as a program. */
  shell(script: string, options: Partial<ProgramOptions> = {}): number {
    return this.program({ ...options, args: ["/bin/sh", "-c", script, ...(options.args ?? [])] });
  }

  build(): PlanInit {
    return { idBase: this.idBase, tasks: this.tasks, resourceRequests: this.requests };
  }

  /** Index of a request of so many units; a new one is added. */
  request(value: number, resource = "loom/resource/cpus"): number {
    this.requests.push({ resources: [{ resourceType: this.symbol(resource), value }] });
    return this.requests.length - 1;
  }
}

/** A config of u64 numbers. */
export function u64(...numbers: (number | bigint)[]): Buffer {
  const bytes = Buffer.alloc(8 * numbers.length);
  numbers.forEach((number, i) => {
    bytes.writeBigUInt64LE(BigInt(number), 8 * i);
  });
  return bytes;
}
