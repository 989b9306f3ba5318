/** The command line of the benchmarks: what it takes, and one clear line for what it can't. */
import { describe, expect, it } from "vitest";
import { readArguments } from "../../bench/arguments.js";

const known = { own: ["fanout-100k", "chain-5k", "server-tree-131k"], dask: ["fanout", "run"] };
const read = (...argv: string[]) => readArguments(argv, known);

describe("arguments of the benchmarks", () => {
  it("are all cases, five times, by default", () => {
    expect(read()).toEqual({
      peer: undefined,
      cases: known.own,
      workers: undefined,
      repeat: 5,
      json: undefined,
      profile: false,
    });
  });

  it("name cases, which run in the order of the list", () => {
    const { cases, workers, repeat, json, profile } = read(
      ...["--case", "server-tree-131k", "--case", "fanout-100k", "--workers", "1", "--workers"],
      ...["32", "--repeat", "2", "--json", "a.json", "--profile"],
    );
    expect(cases).toEqual(["fanout-100k", "server-tree-131k"]);
    expect({ workers, repeat, json, profile }).toEqual({
      workers: [1, 32],
      repeat: 2,
      json: "a.json",
      profile: true,
    });
  });

  it("name cases of their own with a peer", () => {
    expect(read("--peer", "dask")).toMatchObject({ peer: "dask", cases: ["fanout", "run"] });
    expect(read("--peer", "dask", "--case", "run").cases).toEqual(["run"]);
    expect(() => read("--peer", "dask", "--case", "chain-5k")).toThrow(
      "--case chain-5k is not known with --peer dask; use one of fanout, run",
    );
  });

  it.each([
    [["--peer", "spark"], "--peer spark is not known; use dask"],
    [["--peer", "dask", "--profile"], "--profile is for cases without --peer"],
    [
      ["--case", "no"],
      "--case no is not known; use one of fanout-100k, chain-5k, server-tree-131k",
    ],
    [["--workers", "0"], "--workers 0 is not a whole number from 1 to 1000"],
    [["--workers", "1001"], "--workers 1001 is not a whole number from 1 to 1000"],
    [["--repeat", "2.5"], "--repeat 2.5 is not a whole number from 1 to 1000"],
    [["--repeat", "x"], "--repeat x is not a whole number from 1 to 1000"],
  ])("%j are refused", (argv, message) => {
    expect(() => read(...argv)).toThrow(new Error(message));
  });
});
