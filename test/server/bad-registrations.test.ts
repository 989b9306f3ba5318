/** Workers that are refused, with the reason: others register and work none the worse for it. */
import { describe, expect, it } from "vitest";
import { waitFor } from "./deadline.js";
import { type RegisterInit, useOwnWorkers } from "./own-workers.js";
import { workerRegister } from "./scripted-worker.js";

const own = useOwnWorkers();

type Refused = [name: string, init: RegisterInit, why: RegExp];

const one = (name: string) => ({ name, amount: 1 });

function resources(...cases: [string, RegisterInit["resources"] & object, RegExp][]): Refused[] {
  return cases.map(([name, list, why]) => [`with a resource ${name}`, { resources: list }, why]);
}

describe("a registration is refused", () => {
  it.each<Refused>([
    ["of no worker protocol", { workerProtocol: undefined }, /worker protocol 0, this server 4/],
    ["of a later worker protocol", { workerProtocol: 5 }, /worker protocol 5, this server 4/],
    ["of another wire version", { protocolVersion: 3 }, /protocol version 3 is not supported/],
    ["with 0 cpus", { cpus: 0 }, /1 to 65535 cpus, not 0/],
    ["with -1 cpus", { cpus: -1 }, /1 to 65535 cpus, not -1/],
    ["with 65536 cpus", { cpus: 65536 }, /1 to 65535 cpus, not 65536/],
    ["with port 0", { port: 0 }, /port for objects is 0/],
    ["without a port", { port: undefined }, /port for objects is 0/],
    ["with port 65536", { port: 65536 }, /port for objects is 65536/],
    ["with a reserved task type", { taskTypes: ["loom/own"] }, /"loom\/own": loom\/ is reserved/],
    ["with a reserved data type", { dataTypes: ["loom/x/y"] }, /"loom\/x\/y": loom\/ is reserved/],
    ["with an empty symbol", { taskTypes: [""] }, /symbol ""/],
    ["with a symbol of two lines", { taskTypes: ["a\nb"] }, /symbol "a\\nb" must be names/],
    ["with a symbol that ends in /", { taskTypes: ["a/"] }, /symbol "a\/"/],
    ["with a host that is too long", { host: "h".repeat(256) }, /host .*256/],
    ...resources(
      ["of a wrong name", [{ name: "2gpus", amount: 1 }], /resource "2gpus" has no valid name/],
      ["of two lines", [{ name: "a\nb", amount: 1 }], /resource "a\\nb" has no valid name/],
      ["cpus", [{ name: "cpus", amount: 1 }], /resource "cpus" is told as the number of its cpus/],
      ["twice", [one("a"), one("b"), one("a")], /resource "a" is there twice/],
      ["of amount 0", [{ name: "mem", amount: 0 }], /"mem" has the amount 0; it must be above 0/],
      ["of amount -1", [{ name: "mem", amount: -1 }], /"mem" has the amount -1/],
      ["of no number", [{ name: "mem", amount: Number.NaN }], /"mem" has the amount NaN/],
      ["without end", [{ name: "mem", amount: 1 / 0 }], /"mem" has the amount Infinity/],
      ["of hardly anything", [{ name: "mem", amount: 0.00001 }], /"mem" has the amount 0.00001/],
      [
        "of another amount than indices",
        [{ name: "gpus", amount: 3, indices: ["0", "1"] }],
        /"gpus" has the amount 3 but 2 indices/,
      ],
      [
        "with an index twice",
        [{ name: "gpus", amount: 2, indices: ["0", "0"] }],
        /"gpus" has an index twice/,
      ],
      ["with an empty index", [{ name: "gpus", amount: 1, indices: [""] }], /has the index ""/],
      [
        "with a long index",
        [{ name: "gpus", amount: 1, indices: ["i".repeat(65)] }],
        /has the index "i+"; indices have 1 to 64 characters/,
      ],
      [
        "with too many indices",
        [{ name: "gpus", amount: 1025, indices: Array.from({ length: 1025 }, (_, i) => `${i}`) }],
        /"gpus" has 1025 indices, at most 1024 are possible/,
      ],
      [
        "and 64 others",
        Array.from({ length: 65 }, (_, i) => one(`r${i}`)),
        /has 65 resources, at most 64 are possible/,
      ],
    ),
    [
      "with too many symbols",
      { taskTypes: Array.from({ length: 66_000 }, (_, i) => `many/${i}`) },
      /symbols/,
    ],
  ])("%s", async (_, init, why) => {
    const stranger = await own.cluster.stranger();
    stranger.register(workerRegister(init));
    const { message } = await stranger.error();
    expect(message).toMatch(why);
    expect(message).not.toMatch(/\n|internal error/);
    await stranger.closedByServer();
    expect(stranger.untaken()).toEqual([]);
    const { symbols } = await own.cluster.client();
    expect(symbols.filter((name) => /^(loom\/own|loom\/x|many|a)\b|^$/.test(name))).toEqual([]);
    // Later ones are not bothered.
    const [one, two] = [await own.join(), await own.join()];
    await waitFor(() => one.peers.length === 2 && two.peers.length === 2, "they know each other");
  });

  it("a name may be a data type first and a task type later", async () => {
    await own.join({ taskTypes: [], dataTypes: ["test/both"] });
    const able = await own.join({ taskTypes: ["test/both"] });
    const client = await own.cluster.client();
    const plan = client.plan();
    const id = plan.result("test/both");
    client.submit(plan);
    able.finish(await able.takeAssigned(), "done");
    await client.finished(id);
  });
});
