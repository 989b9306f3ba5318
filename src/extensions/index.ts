/** Room `extensions`: how extensions of workers are defined and loaded. */
export { defineExtension, type Extension, kindOf } from "./define-extension.js";
export type {
  DataTypeDefinition,
  ExtensionDefinition,
  ExtensionTask,
  PartResult,
  TaskTypeDefinition,
  ValueMaker,
} from "./definition.js";
export { type LoadedExtension, loadExtensions } from "./load-extensions.js";
export { registerModuleHooks } from "./module-hooks.js";
export { alignedBytes, joinedBytes, ownBytes } from "./value-bytes.js";
