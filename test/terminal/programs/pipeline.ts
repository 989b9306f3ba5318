/**
 * Run as `pipeline.ts ADDRESS FOLDER [SECONDS]`: a task that waits for the file "go", or takes so long, and
 * lines that are printed meanwhile, when the files "print" and "end" are there.
 */
import { existsSync } from "node:fs";
import { join } from "node:path";
import { Client, tasks } from "../../../src/client/index.js";

const [address, folder, seconds] = process.argv.slice(2);
const client = await Client.connect(address);
const step = (label: string, shell: string) => tasks.run(["sh", "-c", shell]).withLabel(label);
const wait = seconds
  ? `sleep ${seconds}`
  : `while [ ! -e ${join(folder, "go")} ]; do sleep 0.02; done`;
const futures = client.submit([
  step("load: a", "true"),
  step("train: fold 1", wait),
  step("train: fold 2", "exit 3"),
]);
const exists = async (name: string) => {
  while (!existsSync(join(folder, name))) await new Promise((done) => setTimeout(done, 20));
};
await exists("print");
console.log("line 1\nline 2");
process.stdout.write("begin");
await exists("end");
console.log(" and end");
console.error("line 3");
await Promise.allSettled(futures.map((future) => future.fetch()));
console.log("all done");
await client.close();
console.log("closed");
