/** All cases of `npm run bench`, in the order in which they run. */
import { tasks } from "hyperloom";
import { bytesCase, javascriptStep, PYTHON_STEP } from "./bytes-case.js";
import { encodeCase, pythonEncodeCase } from "./encode-case.js";
import { extensionCase } from "./extension-case.js";
import { javascriptCalls, pythonCalls } from "./function-plans.js";
import { memoryCase } from "./memory-case.js";
import { planCase } from "./plan-case.js";
import { chain, fanout, layers, tree } from "./plans.js";
import type { BenchCase } from "./record.js";
import { runCase } from "./run-case.js";
import { serverCase } from "./server-case.js";
import { traceCase } from "./trace-case.js";
import { transferCase } from "./transfer-case.js";

const WORKERS = [1, 2, 8, 32];
/** Of workers that do no work. */
const CONNECTIONS = [1, 8, 64, 256];

export const CASES: readonly BenchCase[] = [
  planCase(fanout(100_000), WORKERS),
  planCase(tree(65_536), WORKERS),
  planCase(chain(5_000), WORKERS),
  planCase(layers(20, 1_000), WORKERS),
  serverCase(fanout(100_000), CONNECTIONS),
  serverCase(tree(65_536), CONNECTIONS),
  serverCase(layers(20, 1_000), CONNECTIONS),
  serverCase(chain(5_000), CONNECTIONS),
  serverCase(chain(100_000), CONNECTIONS),
  traceCase(fanout(100_000)),
  traceCase(tree(65_536)),
  memoryCase(fanout(1_000_000)),
  memoryCase(tree(524_288)),
  memoryCase(layers(20, 25_000)),
  encodeCase(fanout(100_000)),
  encodeCase(tree(65_536)),
  encodeCase(layers(20, 1_000)),
  pythonEncodeCase(fanout(100_000), "fanout", 100_000),
  pythonEncodeCase(tree(65_536), "tree", 65_536),
  pythonEncodeCase(layers(20, 1_000), "layers", 20, 1_000),
  planCase(pythonCalls(20_000), [1]),
  planCase(javascriptCalls(50_000), [1]),
  bytesCase("py-bytes", "Python", (input) =>
    tasks.pythonSource(PYTHON_STEP, { function: "step", inputs: [input] }),
  ),
  bytesCase("js-bytes", "TypeScript", javascriptStep),
  extensionCase,
  runCase("run-2k", 0),
  runCase("run-2k-2gb", 2 * 1024 ** 3),
  transferCase,
];
