/** Functions of a CommonJS file, which gets HyperLoom by `import()`, packed and printed. */
const { createHash } = require("node:crypto");
const path = require("node:path");
const local = require("./local.cjs");

const FACTOR = 7;

function helper(text) {
  return text + FACTOR + createHash("md5").update("x").digest("hex").slice(0, 4);
}

function module_(text) {
  return `${helper(text.text())} ${local.shout("x")} ${path.basename(__filename)}`;
}

function failInModule(text) {
  throw new Error(`module ${helper(text)}`);
}

async function later(text) {
  const { tasks } = await import("hyperloom");
  return tasks.merge([text, tasks.const(`${FACTOR}`)]);
}

async function main() {
  const { jsTask, tasks } = await import("hyperloom");
  const { printFunctions } = await import("./print-functions.mjs");
  const a = tasks.const("a");
  printFunctions({
    module: jsTask(module_)(a),
    failInModule: jsTask(failInModule)(a),
    later: jsTask(later)(a),
    alone: jsTask((text) => `Hello ${text.text()}`)(a),
  });
}
main();
