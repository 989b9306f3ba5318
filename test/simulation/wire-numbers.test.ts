/** The numbers that the simulator has in place of the protocol are the protocol's. */
import { expect, it } from "vitest";
import * as protocol from "../../src/protocol/index.js";
import * as numbers from "../../src/simulation/wire-numbers.js";

it("numbers of the protocol are the same in the simulator", () => {
  expect(numbers.CPUS).toBe(protocol.builtinSymbol("loom/resource/cpus"));
  expect(numbers.MERGE).toBe(protocol.builtinSymbol("loom/data/merge"));
  expect(numbers.GET).toBe(protocol.builtinSymbol("loom/base/get"));
  expect(numbers.CALL).toBe(protocol.builtinSymbol("loom/py/call"));
  expect(numbers.SYMBOLS).toBe(protocol.BUILTIN_SYMBOLS.length);
  expect(numbers.InputPlace).toEqual(protocol.InputPlace);
  expect(numbers.INLINE_LIMIT).toBe(protocol.INLINE_LIMIT);
  expect(numbers.THIS_WORKER).toBe(protocol.THIS_WORKER);
  expect(protocol.PlanTaskFlag).toMatchObject(numbers.PlanTaskFlag);
});
