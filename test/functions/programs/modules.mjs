/** Functions of every kind in an ES module, packed and printed. */
import { createHash } from "node:crypto";
import { jsTask, tasks } from "hyperloom";
import { printFunctions } from "./print-functions.mjs";
import { shout } from "./shout.mjs";

const FACTOR = 7;
const table = new Map([["a", 1]]);
const unset = undefined;

class Greeter {
  greet(name) {
    return `Hello ${name}`;
  }
}
const greeter = new Greeter();

function helper(text) {
  const twice = (part) => part + part;
  return twice(text) + FACTOR;
}

const alone = jsTask((text, suffix) => {
  const name = (one) => one.text();
  return `Hello ${name(text)}${suffix ? name(suffix) : ""}`;
});

const inModule = jsTask(
  (text) =>
    `${helper(text.text())} ${table.get("a")} ${unset} ${greeter.greet("you")} ` +
    `${shout("x")} ${createHash("md5").update("x").digest("hex").slice(0, 4)}`,
);

const countDown = jsTask((n, text) => {
  return n === 0 ? text : countDown(n - 1, text);
});

function withSuffix(suffix, FACTOR) {
  const more = { suffix: "?" };
  return jsTask((text) => `${text.text()}${suffix}${more.suffix}${FACTOR} ${helper("h")}`);
}

const failAlone = jsTask((text) => {
  const unused = text;
  throw new Error(`alone ${unused}`);
});

const failInModule = jsTask((text) => {
  if (FACTOR === 7) {
    throw new Error(`module ${text}`);
  }
  return text;
});

const programs = jsTask((text) => tasks.run("cat", { stdin: text, cpus: FACTOR }));

const methods = {
  async shouted(text) {
    return shout(text.text());
  },
};
async function countLater(...parts) {
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
