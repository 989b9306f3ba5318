/**
 * Every code block of the documentation is run or checked as it stands, or says why not.
 * CONTRIBUTING.md explains the comments above blocks.
 */
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { type Example, type Language, readExamples } from "./doc-blocks.js";
import {
  checkPythonTypes,
  checkShell,
  checkTypes,
  expectedOutput,
  python,
  runExample,
} from "./example-runner.js";

const root = fileURLToPath(new URL("../..", import.meta.url));
// python/README.md is run as one script by python/tests/client/test_readme.py.
const files = [
  "README.md",
  "CONTRIBUTING.md",
  ...readdirSync(join(root, "docs"))
    .filter((name) => name.endsWith(".md"))
    .map((name) => `docs/${name}`),
].filter((file) => existsSync(join(root, file)));
const documents = files.map((file) => ({
  file,
  ...readExamples(readFileSync(join(root, file), "utf8")),
}));

/** Examples in one of the languages, by a file name that tells where they are. */
function codesIn(
  languages: readonly Language[],
  isWanted: (example: Example) => boolean,
): Map<string, string> {
  const codes = new Map<string, string>();
  for (const { file, examples } of documents) {
    for (const example of examples) {
      if (!languages.includes(example.language) || !isWanted(example)) continue;
      const extension = { ts: ".ts", js: ".js", python: ".py", sh: "", console: "" };
      const place = file.replace(/\.md$/, "").replaceAll(/[^\w]/g, "_");
      codes.set(`${place}_line_${example.line}${extension[example.language]}`, example.code);
    }
  }
  return codes;
}

describe("examples of the documentation", () => {
  it("all say what tests do with them", () => {
    const problems = documents.flatMap((document) =>
      document.problems.map((problem) => `${document.file}, ${problem}`),
    );
    expect(problems).toEqual([]);
  });

  it("in TypeScript have no type error", () => {
    expect(checkTypes(codesIn(["ts", "js"], () => true))).toBe("");
  });

  const pythonToCheck = codesIn(["python"], ({ action }) => action === "check");
  it.skipIf(pythonToCheck.size === 0 || python === undefined)(
    "in Python have no type error",
    () => {
      expect(checkPythonTypes(pythonToCheck)).toBe("");
    },
  );

  it("in shell have only commands and flags that exist", () => {
    const problems = documents.flatMap(({ file, examples }) =>
      examples
        .filter(({ language }) => language === "sh" || language === "console")
        .flatMap((example) =>
          checkShell(example).map((problem) => `${file}, line ${example.line}: ${problem}`),
        ),
    );
    expect(problems).toEqual([]);
  });
});

for (const { file, examples } of documents) {
  const toRun = examples.filter(({ action }) => action === "run");
  describe.skipIf(toRun.length === 0)(`examples of ${file}`, () => {
    for (const example of toRun) {
      const { language, line } = example;
      const needsPython = language === "python" || /tasks\.python/.test(example.code);
      const withoutPython = needsPython && python === undefined;
      it.skipIf(withoutPython)(`line ${line}: ${language} runs`, async () => {
        const { code, stdout, stderr } = await runExample(example);
        expect(code, `${stdout}${stderr}`).toBe(0);
        const output = expectedOutput(example);
        if (output !== undefined) expect(stdout.trimEnd()).toBe(output.trimEnd());
        for (const text of example.prints) expect(stdout.split("\n")).toContain(text);
      });
    }
  });
}
