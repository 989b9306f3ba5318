/**
 * An extension with a task type that counts bytes in TypeScript and one that does it in WebAssembly:
 *
 *     loom worker node1:9010 --extension examples/extension-count/extension.ts
 *
 * Both take data of any size (a file is read in pieces) and the byte to count as their config.
 */
import { defineExtension, type ExtensionTask } from "hyperloom";
import { countPlain } from "./count-plain.js";
import { countWasm } from "./count-wasm.js";

type Count = (bytes: Uint8Array, byte: number) => number;

function countWith(count: Count): (task: ExtensionTask) => Promise<string> {
  return async ({ inputs: [data], config: [byte] }) => {
    let total = 0;
    for await (const chunk of data.chunks()) total += count(chunk, byte);
    return String(total);
  };
}

export default defineExtension({
  prefix: "example",
  taskTypes: {
    "count-plain": { run: countWith(countPlain) },
    "count-wasm": { run: countWith(countWasm) },
    // The same in a process of its own: the worker does other work meanwhile.
    "count-pool": { pool: true, run: countWith(countWasm) },
  },
});
