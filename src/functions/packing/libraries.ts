/**
 * The libraries that packing needs, loaded when the first function is packed: programs that
 * only import HyperLoom don't pay for them. Owns nothing else.
 */
import { createRequire } from "node:module";
import type * as Acorn from "acorn";
import type * as Esbuild from "esbuild";
import type * as EslintScope from "eslint-scope";

const load = createRequire(import.meta.url);

export const acorn = (): typeof Acorn => load("acorn") as typeof Acorn;
export const esbuild = (): typeof Esbuild => load("esbuild") as typeof Esbuild;
export const eslintScope = (): typeof EslintScope => load("eslint-scope") as typeof EslintScope;
/** Undefined where Node was built without it. */
export function findInspector(): typeof import("node:inspector") | undefined {
  try {
    return load("node:inspector") as typeof import("node:inspector");
  } catch {
    return undefined;
  }
}
