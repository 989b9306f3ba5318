/** Futures that nobody holds any more are released. */
import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { expect, it } from "vitest";

it("releases futures that are garbage, and only those", async () => {
  const program = fileURLToPath(new URL("programs/garbage.ts", import.meta.url));
  const { stdout } = await promisify(execFile)(
    process.execPath,
    ["--expose-gc", "--import", "tsx", program],
    { env: { ...process.env, TSX_DISABLE_CACHE: "1" }, timeout: 50_000 },
  );
  expect(JSON.parse(stdout)).toEqual({
    first: [5],
    later: [1, 2, 3],
    one: "one",
    kept: "finished",
    input: 1,
  });
});
