/** The published graphs and makespans in bench/schedules/data (README there). Reads files. */
import { readFileSync } from "node:fs";
import { gunzipSync } from "node:zlib";
import { readGraphFile, type TaskGraph } from "../../src/simulation/index.js";

/** Makespans in seconds of one scheduler. */
export interface ReferenceRuns {
  readonly mean: number;
  readonly min: number;
  readonly max: number;
  readonly n: number;
}

export interface Reference {
  readonly graph: string;
  readonly category: string;
  /** E.g. "8x4". */
  readonly cluster: string;
  /** MiB/s */
  readonly bandwidth: number;
  readonly netmodel: "maxmin" | "simple";
  readonly imode: "exact" | "user" | "mean";
  readonly msd: number;
  readonly lowerBound: number;
  readonly best: string;
  readonly bestMean: number;
  readonly minAny: number;
  readonly schedulers: Readonly<Record<string, ReferenceRuns>>;
}

export interface PublishedAssignment {
  readonly graph: string;
  readonly cluster: string;
  readonly bandwidthMiB: number;
  readonly priorities: "zero" | "blevel";
  /** Worker by task. */
  readonly assignment: readonly number[];
  /** By task; the block levels too. Undefined: 0 for all. */
  readonly priority?: readonly number[];
  readonly makespan: number;
  readonly transferBytes: number;
  /** Seconds by task. */
  readonly start: readonly number[];
  /** Producer, output, source, destination, start and end of each download. */
  readonly fetches_parent_output_src_dst_start_end?: readonly number[][];
}

/** All graphs, by name. */
export function loadGraphs(): Map<string, TaskGraph> {
  const graphs = load("graphs.json.gz") as { name: string }[];
  return new Map(graphs.map((graph) => [graph.name, readGraphFile(graph, graph.name)]));
}

export function loadReferences(): Reference[] {
  return load("references.json.gz") as Reference[];
}

export function loadPublishedAssignments(): PublishedAssignment[] {
  return load("fixed-assignments.json.gz") as PublishedAssignment[];
}

function load(file: string): unknown {
  const bytes = readFileSync(new URL(`data/${file}`, import.meta.url));
  return JSON.parse(gunzipSync(bytes).toString("utf8"));
}
