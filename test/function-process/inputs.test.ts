/** What functions get: Data. */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { serialize } from "node:v8";
import { afterEach, expect, test } from "vitest";
import { InlineData } from "../../src/function-process/plain-data.js";
import { ValueData } from "../../src/function-process/value-data.js";
import { registerValueType } from "../../src/function-process/value-types.js";
import { arrayObject, bytesObject, fileObject, indexObject, valueObject } from "./codec.js";
import { endProcesses, FunctionProcess } from "./driver.js";

afterEach(endProcesses);

/** What the expression over `a` gives, as JSON makes it. */
async function look(p: FunctionProcess, input: Buffer, expression: string): Promise<unknown> {
  return JSON.parse(
    (await p.call(p.fn(`(a) => JSON.stringify(${expression})`), [input])) as string,
  );
}

/** The message of the error that the expression throws. */
async function thrown(p: FunctionProcess, input: Buffer, expression: string): Promise<string> {
  const message = await p.failure(p.fn(`(a) => { ${expression}; return "none"; }`), [input]);
  return message.split("\n")[0];
}

const FACTS = "[a.kind, a.type, a.size, a.length]";

test("bytes, in the call and in a file", async () => {
  const p = new FunctionProcess();
  const path = join(p.directory, "file");
  writeFileSync(path, "....größe....");
  for (const input of [bytesObject("größe"), fileObject(path, 4, 7)]) {
    expect(await look(p, input, FACTS)).toEqual(["bytes", "loom/data", 7, 0]);
    expect(await look(p, input, "a.text()")).toBe("größe");
    expect(await look(p, input, "[Buffer.isBuffer(a.bytes()), a.bytes().length]")).toEqual([
      true,
      7,
    ]);
    expect(await look(p, input, "[...a].length")).toBe(0);
    expect(await look(p, input, 'a[Symbol.for("hyperloom.localObject")]')).toBe(true);
    expect(await thrown(p, input, "a.at(0)")).toMatch(
      /^RangeError: index 0 .* has length 0 \(it is/,
    );
    expect(await thrown(p, input, "a.unwrap()")).toMatch(/^TypeError: unwrap\(\) of 7 bytes: only/);
    expect(await thrown(p, input, "a.json()")).toMatch(/^SyntaxError/);
  }
  expect(await look(p, bytesObject('{"a":[1]}'), "a.json()")).toEqual({ a: [1] });
  expect(await look(p, bytesObject(""), "[a.text(), a.size]")).toEqual(["", 0]);
});

test("files are read when they are asked for, once", async () => {
  const p = new FunctionProcess();
  const path = join(p.directory, "file");
  writeFileSync(path, "content");
  const fn = `(a) => { const one = a.bytes(); require("fs").unlinkSync(${JSON.stringify(path)});
    return String(one === a.bytes()) + a.text(); }`;
  expect(await p.call(p.fn(fn), [fileObject(path, 0, 7)])).toBe("truecontent");
  // The file is gone: only who reads it fails.
  const input = fileObject(path, 0, 7);
  expect(await look(p, input, "a.size")).toBe(7);
  expect(await thrown(p, input, "a.bytes()")).toMatch(/^Error: ENOENT/);
  writeFileSync(path, "short");
  expect(await thrown(p, input, "a.text()")).toMatch(
    /file .* ends at byte 5, before the data ends/,
  );
});

test("data in a file can't be read any more when the call is over", async () => {
  const p = new FunctionProcess();
  const path = join(p.directory, "file");
  writeFileSync(path, "content");
  const code = `let kept; exports.default = (a) => {
    if (kept === undefined) { kept = a; return ""; }
    return a.text() === "stale" ? kept.text() : kept;
  };`;
  const fn = p.define(code, { name: "hoard" });
  await p.call(fn, [fileObject(path, 0, 7)]);
  expect(await p.failure(fn, ["stale"])).toMatch(/the call that got this data is over/);
  expect(await p.failure(fn, ["x"])).toMatch(/"hoard" returned Data that another call got/);
});

test("arrays", async () => {
  const p = new FunctionProcess();
  const inner = arrayObject(bytesObject("b"), bytesObject("cc"));
  const input = arrayObject(
    bytesObject("a"),
    inner,
    valueObject("loom/jsobj", bytesObject("12345")),
  );
  expect(await look(p, input, FACTS)).toEqual(["array", "loom/array", 9, 3]);
  expect(await look(p, input, "[a.at(0).text(), a.at(1).at(1).text()]")).toEqual(["a", "cc"]);
  expect(await look(p, input, "[...a].map((x) => x.kind)")).toEqual(["bytes", "array", "value"]);
  expect(await look(p, input, "a.at(1) === [...a][1]")).toBe(true);
  expect(await thrown(p, input, "a.bytes()")).toMatch(/^TypeError: an array has no bytes: use at/);
  expect(await thrown(p, input, "a.text()")).toMatch(/^TypeError: an array has no bytes/);
  expect(await thrown(p, input, "a.unwrap()")).toMatch(/^TypeError: unwrap\(\) of an array of 3/);
  for (const i of ["3", "-1", "0.5", '"x"']) {
    expect(await thrown(p, input, `a.at(${i})`)).toMatch(
      /^RangeError: index .* is out of range: the data has length 3$/,
    );
  }
  expect(await look(p, arrayObject(), "[a.length, a.size, [...a].length]")).toEqual([0, 0, 0]);
});

test("arrays nested deeper than the stack", async () => {
  const p = new FunctionProcess();
  let input = bytesObject("core");
  const depth = 20_000;
  const heads = Buffer.alloc(5 * depth);
  for (let i = 0; i < depth; i++) heads.set([3, 1, 0, 0, 0], 5 * i);
  input = Buffer.concat([heads, input]);
  expect(await look(p, input, "[a.size, a.at(0).at(0).length]")).toEqual([4, 1]);
});

test("pieces of an index, in the call and in a file", async () => {
  const p = new FunctionProcess();
  const path = join(p.directory, "file");
  writeFileSync(path, "--one\ntwo\n\nfour");
  for (const content of [bytesObject("one\ntwo\n\nfour"), fileObject(path, 2, 13)]) {
    const input = indexObject(content, 0, 4, 8, 9, 13);
    expect(await look(p, input, FACTS)).toEqual(["bytes", "loom/index", 13, 4]);
    expect(await look(p, input, "a.text()")).toBe("one\ntwo\n\nfour");
    const pieces = ["one\n", "two\n", "\n", "four"];
    expect(await look(p, input, "[...a].map((x) => x.text())")).toEqual(pieces);
    expect(await look(p, input, "(a.bytes(), a.at(3).text())")).toBe("four");
    expect(await look(p, input, "[a.at(0), a.at(3), a.at(1)].map((x) => x.text())")).toEqual([
      "one\n",
      "four",
      "two\n",
    ]);
    expect(
      await look(p, input, "[a.at(1)].map((a) => [a.kind, a.type, a.size, a.length])[0]"),
    ).toEqual(["bytes", "loom/data", 4, 0]);
    expect(await thrown(p, input, "a.at(4)")).toMatch(/^RangeError: index 4 .* has length 4/);
  }
  const wrong = indexObject(bytesObject("ab"), 0, 9);
  expect(await thrown(p, wrong, "a.at(0).text()")).toMatch(/piece 0 is said to be at 0 to 9 of 2/);
});

test("pieces of a large file come right from all places", async () => {
  const p = new FunctionProcess();
  const path = join(p.directory, "file");
  const lines = Array.from({ length: 50_000 }, (_, i) => `line ${i * 7919}\n`);
  lines[100] = `${"long".repeat(50_000)}\n`;
  writeFileSync(path, lines.join(""));
  const places = [0];
  for (const line of lines) places.push(places[places.length - 1] + line.length);
  const input = indexObject(fileObject(path, 0, places[lines.length]), ...places);
  const forth = "[...a].map((x) => x.text()).join('')";
  const back =
    "[...Array(a.length).keys()].reverse().map((i) => a.at(i).text()).reverse().join('')";
  for (const way of [forth, back]) {
    const both = `((all) => [all === a.text(), all.length])(${way})`;
    expect(await look(p, input, both)).toEqual([true, lines.join("").length]);
  }
});

test("values", async () => {
  const p = new FunctionProcess();
  const object = serialize({ when: new Date(0), big: 5n, list: new Float64Array([1, 2]) });
  const input = valueObject("loom/jsobj", bytesObject(object));
  expect(await look(p, input, FACTS)).toEqual(["value", "loom/jsobj", object.length, 0]);
  expect(await look(p, input, "[a.unwrap().list[1], a.unwrap() === a.unwrap()]")).toEqual([
    2,
    true,
  ]);
  expect(await look(p, input, "String(a.unwrap().big + 1n)")).toBe("6");
  expect(await thrown(p, input, "a.bytes()")).toMatch(
    /^TypeError: a value of type "loom\/jsobj" has/,
  );
  const path = join(p.directory, "file");
  writeFileSync(path, object);
  const inFile = valueObject("loom/jsobj", fileObject(path, 0, object.length));
  expect(await look(p, inFile, "a.unwrap().when")).toBe(new Date(0).toISOString());
  const python = valueObject("loom/pyobj", bytesObject("pickle"));
  expect(await thrown(p, python, "a.unwrap()")).toMatch(
    /^TypeError: unwrap\(\) of a Python object \(loom\/pyobj\).*bytes, JSON or Arrow/,
  );
  const other = valueObject("my/matrix", bytesObject("m"));
  expect(await thrown(p, other, "a.unwrap()")).toMatch(
    /^TypeError: .*type "my\/matrix", which is not/,
  );
  const garbage = valueObject("loom/jsobj", bytesObject("garbage"));
  expect(await thrown(p, garbage, "a.unwrap()")).toMatch(/Error/);
});

test("types of values can be registered", () => {
  const text = Buffer.from("[1,2]");
  const content = new InlineData(undefined, -1, text, 0, text.length);
  const value = () => new ValueData(undefined, 0, "test/registered", content);
  expect(() => value().unwrap()).toThrow(/"test\/registered", which is not known here/);
  registerValueType("test/registered", (bytes) => ({ list: JSON.parse(bytes.toString()) }));
  const registered = value();
  expect(registered.unwrap()).toEqual({ list: [1, 2] });
  expect(registered.unwrap()).toBe(registered.unwrap());
});

test("console.log shows what data is, on standard output", async () => {
  const p = new FunctionProcess();
  const fn = p.fn(
    '(...all) => { for (const a of all) console.log(a); console.log({ a: all[0] }); return ""; }',
  );
  await p.call(fn, [
    "12",
    arrayObject(bytesObject("a")),
    indexObject(bytesObject("ab"), 0, 1, 2),
    valueObject("loom/jsobj", bytesObject("123")),
  ]);
  await p.until(() => p.stdout.includes("{ a:"));
  expect(p.stdout.split("\n").slice(0, 5)).toEqual([
    "Data <2 bytes>",
    "Data <an array of 1 elements, 1 bytes>",
    "Data <an index of 2 pieces, 2 bytes>",
    'Data <a value of type "loom/jsobj", 3 bytes>',
    "{ a: Data <2 bytes> }",
  ]);
});

test("inputs stay what they are while later frames come", async () => {
  const p = new FunctionProcess();
  const code = `const kept = []; exports.default = (a) => {
    kept.push(a); return kept.map((x) => x.text()).join("|"); };`;
  const fn = p.define(code);
  let last: unknown = "";
  const texts = Array.from({ length: 50 }, (_, i) => `${i}`.repeat(400));
  for (const text of texts) last = await p.call(fn, [text]);
  expect(last).toBe(texts.join("|"));
});
