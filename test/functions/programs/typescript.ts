/** Functions of every kind in TypeScript, packed and printed. */
import { createHash } from "node:crypto";
import { type Data, jsTask, type Task, tasks } from "hyperloom";
import { printFunctions } from "./print-functions.mjs";
import { shout } from "./shout.js";

const FACTOR = 7;
const table = new Map([["a", 1]]);
const unset: string | undefined = undefined;

// Loaders rewrite files with this from top to bottom.
using resource = { [Symbol.dispose]: () => {} };
if (resource === undefined) throw new Error("it is there");

class Greeter {
  greet(name: string) {
    return `Hello ${name}`;
  }
}
const greeter = new Greeter();

function helper(text: string): string {
  const twice = (part: string) => part + part;
  return twice(text) + FACTOR;
}

const alone = jsTask((text: Data, suffix?: Data) => {
  const name = (one: Data) => one.text();
  return `Hello ${name(text)}${suffix ? name(suffix) : ""}`;
});

const inModule = jsTask(
  (text: Data) =>
    `${helper(text.text())} ${table.get("a")} ${unset} ${greeter.greet("you")} ` +
    `${shout("x")} ${createHash("md5").update("x").digest("hex").slice(0, 4)}`,
);

const countDown = jsTask((n: number, text: Data): Data | Task => {
  return n === 0 ? text : countDown(n - 1, text);
});

function withSuffix(suffix: string, FACTOR: number) {
  const more = { suffix: "?" };
  return jsTask((text: Data) => `${text.text()}${suffix}${more.suffix}${FACTOR} ${helper("h")}`);
}

const failAlone = jsTask((text: Data) => {
  const unused = text;
  throw new Error(`alone ${unused}`);
});

const failInModule = jsTask((text: Data) => {
  if (FACTOR === 7) {
    throw new Error(`module ${text}`);
  }
  return text;
});

const programs = jsTask((text: Data) => tasks.run("cat", { stdin: text, cpus: FACTOR }));

const methods = {
  async shouted(text: Data) {
    return shout(text.text());
  },
};
async function countLater(...parts: Data[]) {
  return `${parts.length * FACTOR}`;
}

const a = tasks.const("a");
printFunctions({
  alone: alone(a),
  inModule: inModule(a),
  countDown: countDown(2, a),
  closure: withSuffix("!", 3)(a),
  failAlone: failAlone(a),
  failInModule: failInModule(a),
  programs: programs(a),
  method: jsTask(methods.shouted)(a),
  declaration: jsTask(countLater)(a, a),
  url: jsTask(() => import.meta.url)(),
});
