/**
 * Loads the worker's extensions into this process, before main.ts: functions can unwrap values of
 * their types then, and tasks with `pool: true` can be executed. Started by `node --import` with
 * LOOM_EXTENSIONS: JSON `{"specifiers", "folder"}`.
 */
import { alignedBytes, type LoadedExtension, loadExtensions } from "../extensions/index.js";
import { registerValueType } from "./value-types.js";

const variable = "LOOM_EXTENSIONS";
const { specifiers, folder } = JSON.parse(process.env[variable] ?? "{}") as {
  specifiers: string[];
  folder: string;
};
// What functions start is not to load them.
delete process.env[variable];

/** The extensions of the worker. */
export const extensions: readonly LoadedExtension[] = await loadExtensions(specifiers, folder);

for (const { extension } of extensions) {
  for (const [symbol, dataType] of extension.dataTypes) {
    registerValueType(symbol, (bytes) => dataType.deserialize(alignedBytes(bytes)));
  }
}
