/**
 * Writes the trace that test/trace/golden keeps, with real processes: once for each version of the format.
 * What is in test/trace/golden already must never change: it is there to be read by later versions.
 *
 * node --import tsx test/trace/write-golden.ts DIR (after npm run build)
 */
import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { Client } from "../../src/client/index.js";
import { tasks } from "../../src/index.js";
import { startLocalCluster } from "../../src/local-cluster/index.js";

const directory = resolve(process.argv[2]);
const folder = mkdtempSync(join(tmpdir(), "loom-golden-"));
const cluster = await startLocalCluster({ workers: 2, cpus: 2 });
const client = await Client.connect(cluster.address);
const run = (script: string, label: string) => tasks.run(["sh", "-c", script]).withLabel(label);

async function until(condition: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await condition())) await new Promise((done) => setTimeout(done, 20));
}

await client.setTrace(directory);
// Programs, whose results one task gets: some are transferred.
const large = [0, 1, 2, 3].map((i) =>
  run("sleep 0.3; head -c 200000 /dev/zero", `large:${i}`).withMetadata({ part: i }),
);
const consts = Array.from({ length: 100 }, (_, i) => tasks.const(`${i}`));
const merged = tasks.merge([...large, ...consts]).withLabel("merge");
const two = tasks.run(["sh", "-c", "sleep 0.1; echo x"], { cpus: 2 }).withLabel("two: Grüße");
await client.gather(client.submit([tasks.size(merged).withLabel("size"), two]));
// Copies of tasks with dynamic inputs.
const parts = tasks.split(tasks.const("a\nbb\nccc\n"));
const each = tasks.size(tasks.dget(parts)).withLabel("each");
await client.submitOne(tasks.arrayMake([each]).withLabel("all")).gather();
// A failure, and what depends on it.
const bad = run("echo 'it is <b>bad</b>' >&2; exit 3", "bad");
await client
  .submitOne(tasks.size(bad).withLabel("after bad"))
  .gather()
  .catch(() => {});
// A worker is lost while it executes.
const go = join(folder, "go");
const marks = [0, 1].map((i) => join(folder, `runs-${i}`));
const waits = marks.map((mark) =>
  tasks
    .run(["sh", "-c", `touch ${mark}; while [ ! -e ${go} ]; do sleep 0.01; done`], { cpus: 2 })
    .withLabel("waits"),
);
const futures = client.submit(waits);
await until(() => marks.every(existsSync));
process.kill(cluster.workers[0].pid, "SIGKILL");
await until(async () => (await client.status()).workers.length === 1);
// Long enough for samples.
await new Promise((done) => setTimeout(done, 1500));
writeFileSync(go, "");
await client.wait(futures);
await client.setTrace(undefined);
await client.close();
await cluster.close();
rmSync(folder, { recursive: true });
