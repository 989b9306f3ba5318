/**
 * Executes one task of an extension's type, with the function that a test gives; the extension has a
 * data type too. Used by the tests of what such functions get, give and throw.
 */
import { pino } from "pino";
import { expect } from "vitest";
import {
  ExtensionExecutor,
  type FunctionResult,
  TaskError,
  type TaskExecution,
  valueTypesOf,
} from "../../../src/executors/index.js";
import {
  defineExtension,
  type ExtensionDefinition,
  type TaskTypeDefinition,
} from "../../../src/extensions/index.js";
import { type PlainObject, plainObject } from "../../../src/object-store/index.js";
import { aTask } from "../task-execution.js";

export const bytes = (text: string) => new Uint8Array(Buffer.from(text));
export const plain = (text: string) => plainObject(bytes(text));
export const textOf = (object: FunctionResult) =>
  Buffer.from((object as PlainObject).bytes()).toString();

/** Live values of the extension's data type. */
export class Point {
  constructor(
    readonly x: number,
    readonly y: number,
  ) {}
}

const dataTypes = {
  point: {
    serialize: ({ x, y }: Point) => Uint8Array.of(x, y),
    deserialize: ([x, y]: Uint8Array) => new Point(x, y),
    length: () => 2,
    get: ({ x, y }: Point, i: number) => String([x, y][i]),
  },
};

/** How the task ended, and what was logged by the executor and by the task. */
export interface Ended {
  result?: FunctionResult;
  error?: Error;
  lines: string[];
  logged: string[];
}

/** Executes one task with this function; resolves when it has ended. */
export async function execute(
  run: TaskTypeDefinition<{ point: Point }>["run"],
  given: Partial<TaskExecution> = {},
): Promise<Ended> {
  const definition: ExtensionDefinition<{ point: Point }> = {
    prefix: "my",
    taskTypes: { it: { run } },
    dataTypes,
  };
  const lines: string[] = [];
  const logged: string[] = [];
  const logger = pino({ level: "debug" }, { write: (line: string) => void lines.push(line) });
  const loaded = [{ specifier: "./my.js", extension: defineExtension(definition) }];
  const executor = new ExtensionExecutor(loaded, valueTypesOf(loaded, logger), logger);
  try {
    return await new Promise((resolve) => {
      const end = (ended: object) => resolve({ lines, logged, ...ended });
      try {
        const result = executor.execute(
          aTask({
            taskType: "my/it",
            finish: (result, durationUs) => {
              expect(durationUs).toBeGreaterThan(0);
              end({ result });
            },
            fail: (error) => end({ error }),
            log: (level, text) => logged.push(`${level} ${text}`),
            ...given,
          }),
        );
        if (result !== undefined) end({ result });
      } catch (error) {
        end({ error });
      }
    });
  } finally {
    await executor.close();
  }
}

/** The message with which the task fails. */
export async function failure(run: TaskTypeDefinition["run"], given?: Partial<TaskExecution>) {
  const { error } = await execute(run as never, given);
  expect(error).toBeInstanceOf(TaskError);
  return error!.message;
}
