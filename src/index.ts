/**
 * HyperLoom: define plans of tasks and run them on a cluster. Everything that users import.
 * @example
 * await using client = await Client.connect("localhost:9010");
 * const future = client.submitOne(tasks.run("uname -a"));
 * console.log((await future.gather()).toString());
 */
export { LoomError, type LoomErrorCode, ProtocolError } from "./base/index.js";
export * from "./client/index.js";
export {
  type DataTypeDefinition,
  defineExtension,
  type Extension,
  type ExtensionDefinition,
  type ExtensionTask,
  type PartResult,
  type TaskTypeDefinition,
  type ValueMaker,
} from "./extensions/index.js";
export {
  type Context,
  type Data,
  type ElementOf,
  type FunctionResult,
  type JsTask,
  type JsTaskOptions,
  jsTask,
  type TaskArgument,
  type TaskArguments,
  type TaskLog,
  type TaskResource,
  type TaskResources,
  type TaskValue,
} from "./functions/index.js";
export {
  type AmountInit,
  anyOf,
  cpus,
  type LocalObject,
  type ResourceAmount,
  type ResourceRequest,
  resources,
  type SubmittedResult,
  Task,
  type TaskDescription,
  type TaskInput,
  type TaskOptions,
  type TaskPolicy,
} from "./graph/index.js";
export {
  type LocalCluster,
  type LocalClusterOptions,
  type LocalWorker,
  type LocalWorkerOptions,
  type LostWorker,
  startLocalCluster,
} from "./local-cluster/index.js";
