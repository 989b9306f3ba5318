/** The command line of `npm run bench`. Called by run.ts. */
import { parseArgs } from "node:util";

export interface BenchArguments {
  /** Compare with this one instead of running the cases of cases.ts. */
  peer: "dask" | undefined;
  /** Names, in the order in which they run. */
  cases: readonly string[];
  /** Undefined: each case's own. */
  workers: number[] | undefined;
  repeat: number;
  json: string | undefined;
  /** Write profiles of the server's CPU time, print where it goes. */
  profile: boolean;
}

/** Names of cases, without and with `--peer dask`. */
export interface KnownCases {
  own: readonly string[];
  dask: readonly string[];
}

/** @throws Error in one line for a flag, case or number that can't be used */
export function readArguments(argv: string[], known: KnownCases): BenchArguments {
  const { values } = parseArgs({
    args: argv,
    options: {
      case: { type: "string", multiple: true },
      workers: { type: "string", multiple: true },
      repeat: { type: "string", default: "5" },
      json: { type: "string" },
      peer: { type: "string" },
      profile: { type: "boolean", default: false },
    },
  });
  const { peer } = values;
  if (peer !== undefined && peer !== "dask") {
    throw new Error(`--peer ${peer} is not known; use dask`);
  }
  if (peer !== undefined && values.profile) {
    throw new Error("--profile is for cases without --peer");
  }
  const names = peer === undefined ? known.own : known.dask;
  const unknown = values.case?.find((name) => !names.includes(name));
  if (unknown !== undefined) {
    const where = peer === undefined ? "" : ` with --peer ${peer}`;
    throw new Error(`--case ${unknown} is not known${where}; use one of ${names.join(", ")}`);
  }
  return {
    peer,
    cases: values.case === undefined ? names : names.filter((name) => values.case?.includes(name)),
    workers: values.workers?.map((text) => countOf("--workers", text, 1000)),
    repeat: countOf("--repeat", values.repeat, 1000),
    json: values.json,
    profile: values.profile,
  };
}

function countOf(flag: string, text: string, max: number): number {
  const count = Number(text);
  if (!Number.isInteger(count) || count < 1 || count > max) {
    throw new Error(`${flag} ${text} is not a whole number from 1 to ${max}`);
  }
  return count;
}
