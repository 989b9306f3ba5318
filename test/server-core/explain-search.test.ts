/** Which tasks are meant by an id, CLIENT:ID or a label. */
import { describe, expect, test } from "vitest";
import { explain, explainOne, newCluster, result } from "./explaining.js";

describe("which task is meant", () => {
  test("an id of any client, CLIENT:ID, or of the asking client", () => {
    const cluster = newCluster();
    cluster.client(7);
    cluster.join(1);
    cluster.submit(0, 0, [result([]), result([], { cpus: 2 })]);
    cluster.submit(7, 1, [result([], { cpus: 3 }), result([])]);
    cluster.schedule();
    cluster.finish(0, cluster.row(0, 0));
    const both = explain(cluster, "1");
    expect(both.tasks.map(({ client, request }) => [client, request])).toEqual([
      [0, "2 cpus"],
      [7, "3 cpus"],
    ]);
    expect(both.text).toMatch(/^client 0, task 1 is ready.*(\n {2}.*)+\nclient 7, task 1 is ready/);
    expect(explainOne(cluster, "7:1", "ready").request).toBe("3 cpus");
    expect(explainOne(cluster, "0", "finished").client).toBe(0);
    const own = cluster.core.explainOwn(7, 1);
    expect(own).toMatchObject({ query: "1", tasks: [{ client: 7 }], complete: true });
    expect(cluster.core.explainOwn(7, 0)).toMatch(/^there is no task 0 of this client; /);
    for (const query of ["7:0", "5", "0:5", "99999999999", "-1", "1:", ":1", "1.0", "", " 1"]) {
      expect(cluster.core.explain(query)).toMatch(/^no task /);
    }
    cluster.disconnect(7);
    cluster.schedule();
    expect(explain(cluster, "1").tasks).toHaveLength(1);
  });

  test("labels: exactly, those with a colon, numbers, other letters, very long ones", () => {
    const cluster = newCluster();
    const labels = ["a", "a:1", "a:2", "5", "0:77", "ä → ö", `${"ö".repeat(40)}1`, ":x", "a [0]"];
    cluster.submit(
      0,
      0,
      labels.map((label) => result([], { label })),
    );
    cluster.submit(0, labels.length, [result([])]);
    for (const [id, label] of labels.entries()) {
      if (label === "5") continue;
      expect(explainOne(cluster, label, "ready")).toMatchObject({ id, label });
    }
    // The id comes first.
    expect(explainOne(cluster, "5", "ready").label).toBe("ä → ö");
    for (const label of ["A", "a:", "a:11", "ö".repeat(40), "x", "a [1]", "\u0000"]) {
      expect(cluster.core.explain(label)).toMatch(/^no task has the id or label/);
    }
  });

  test("of many tasks with a label, open ones first", () => {
    const cluster = newCluster();
    cluster.join(1);
    cluster.submit(
      0,
      0,
      Array.from({ length: 30 }, () => result([], { label: "old" })),
    );
    cluster.runAll();
    cluster.submit(
      0,
      30,
      Array.from({ length: 5 }, () => result([], { label: "old", cpus: 2 })),
    );
    const { tasks, more, text } = explain(cluster, "old");
    expect(tasks.map(({ state }) => state)).toEqual([
      ...Array.from({ length: 5 }, () => "ready"),
      ...Array.from({ length: 15 }, () => "finished"),
    ]);
    expect(tasks.map(({ id }) => id).slice(0, 6)).toEqual([30, 31, 32, 33, 34, 0]);
    expect(more).toBe(15);
    expect(text).toMatch(/\n15 more tasks match$/);
  });

  test("when there are more labels than are told apart", () => {
    const cluster = newCluster();
    cluster.checked = false;
    cluster.submit(
      0,
      0,
      Array.from({ length: 4200 }, (_, i) => result([], { label: `l${i}` })),
    );
    for (const id of [0, 4093, 4094, 4095, 4096, 4199]) {
      expect(explainOne(cluster, `l${id}`, "ready").id).toBe(id);
    }
    expect(cluster.core.explain("l4200")).toMatch(/^no task has/);
  });

  test("a search that takes too long ends, and says so", () => {
    const cluster = newCluster();
    cluster.checked = false;
    // What is looked through is counted in bytes.
    const checkpointPath = `/${"x".repeat(4_000_000)}`;
    const labels = Array.from({ length: 30 }, (_, i) => `a:${i}`);
    cluster.submit(
      0,
      0,
      labels.map((label) => result([], { label, checkpointPath })),
    );
    const found = explain(cluster, "a:3");
    expect(found).toMatchObject({ more: 0, complete: false, tasks: [{ id: 3 }] });
    expect(found.text).toMatch(/\nThere may be more: not all tasks were looked through$/);
    expect(cluster.core.explain("a:29")).toMatch(/"a:29" among those that were looked through; /);
  });

  test("a task that is taken from its checkpoint keeps its label", () => {
    const cluster = newCluster();
    const saved = new Map([[0, new TextEncoder().encode("/there")]]);
    cluster.submit(0, 0, [result([], { label: "saved", checkpointPath: "/there" })], saved);
    expect(explainOne(cluster, "saved", "ready").type).toBe("loom/data/open");
  });

  test("the type is named", () => {
    const cluster = newCluster();
    cluster.submit(0, 0, [result([])]);
    const { type, details } = explainOne(cluster, "0", "ready");
    expect(type).toBe("loom/data/merge");
    expect(details[0]).toBe("type loom/data/merge");
  });
});
