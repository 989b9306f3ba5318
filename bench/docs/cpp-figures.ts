/**
 * Throughput of C++ HyperLoom 0.10, for comparison. It is not part of our runs: an optimised build with its
 * Python client was measured once on the same kind of machine (2 shared cores, all processes on it,
 * TCP over loopback), medians of five or more runs, from submit to finished. Called by sections.
 */

/** Tasks per second by case, then by number of workers. */
export const CPP_TASKS_PER_SECOND: Readonly<Record<string, Readonly<Record<number, number>>>> = {
  "fanout-100k": { 1: 91_000, 2: 105_000, 8: 66_000, 32: 24_000 },
  "tree-131k": { 1: 46_000, 2: 50_000, 8: 39_000, 32: 16_000 },
  "layers-41k": { 1: 70_000, 2: 65_000, 8: 60_000, 32: 58_000 },
  "chain-5k": { 2: 19_000, 8: 18_000, 32: 17_000 },
  "run-2k": { 1: 869 },
};

/** 5,000 Python functions, each gives one byte; one worker, the interpreter embedded in it. */
export const CPP_PYTHON_CALLS_PER_SECOND = 23_000;

/** Of the server, about. */
export const CPP_SERVER_BYTES_PER_TASK = 700;
