/** Extensions: what the worker uses of them. */
export { ExtensionExecutor } from "./extension-executor.js";
export { type ExtensionPreload, extensionPreload, findExtensionPool } from "./extension-pool.js";
export { valueTypesOf } from "./extension-value-type.js";
