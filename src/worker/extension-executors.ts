/** Which task types of extensions a worker executes where. Called by start-worker.ts. */
import {
  type Executor,
  ExtensionExecutor,
  FunctionPool,
  type FunctionPoolOptions,
  findExtensionPool,
} from "../executors/index.js";
import type { LoadedExtension } from "../extensions/index.js";
import type { ValueTypes } from "../object-store/index.js";

/** Executors of the extensions' task types; none where there are no extensions. */
export function extensionExecutors(
  extensions: readonly LoadedExtension[],
  options: FunctionPoolOptions & { readonly valueTypes: ValueTypes },
): Executor[] {
  if (extensions.length === 0) return [];
  const pool = findExtensionPool(extensions);
  return [
    new ExtensionExecutor(extensions, options.valueTypes, options.logger),
    ...(pool === undefined ? [] : [new FunctionPool(pool, options)]),
  ];
}
