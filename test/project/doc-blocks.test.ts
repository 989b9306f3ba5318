/** The convention of comments above code blocks (doc-blocks.ts). */
import { describe, expect, it } from "vitest";
import { readExamples } from "./doc-blocks.js";

const T = "```";

function problemsOf(...lines: string[]): string[] {
  return readExamples(lines.join("\n")).problems;
}

describe("code blocks in Markdown", () => {
  it("need a comment when they are code", () => {
    const needs = /^line 1: the \w+ block needs a comment above it: run, check, /;
    for (const language of ["ts", "js", "python", "sh", "console", "bash", "TypeScript"]) {
      expect(problemsOf(`${T}${language}`, "x", T)).toEqual([expect.stringMatching(needs)]);
    }
    expect(problemsOf(`${T}json`, "{}", T, "", T, "plain", T)).toEqual([]);
  });

  it("need a known comment, right above them", () => {
    expect(problemsOf("<!-- rum -->", `${T}ts`, T)).toHaveLength(1);
    expect(problemsOf("<!-- run -->", "text", `${T}ts`, T)).toHaveLength(1);
    expect(problemsOf("<!-- run -->", `${T}ts`, T, `${T}ts`, T)).toEqual([
      expect.stringMatching(/^line 4: /),
    ]);
    expect(problemsOf("<!-- run -->", "", `${T}ts`, T)).toEqual([]);
  });

  it("need a reason not to run", () => {
    const [problem] = problemsOf("<!-- no-run -->", `${T}sh`, T);
    expect(problem).toBe("line 2: no-run needs a reason: <!-- no-run: why -->");
    expect(problemsOf("<!-- no-run: takes days -->", `${T}sh`, T)).toEqual([]);
  });

  it("run with hidden lines before them", () => {
    const text = ["<!-- run", "const a = 1;", "", "const b = 2;", "-->", `${T}ts`, "f(a, b);", T];
    expect(readExamples(text.join("\n"))).toEqual({
      examples: [
        {
          line: 6,
          language: "ts",
          action: "run",
          code: "const a = 1;\n\nconst b = 2;\nf(a, b);\n",
          output: undefined,
          prints: [],
        },
      ],
      problems: [],
    });
  });

  it("say what they print", () => {
    const text = [
      ...["<!-- run: expect output below -->", `${T}py`, "print(1)", T, T, "1", T],
      ...["<!-- continue: expect output below -->", `${T}py`, "print(2)", T, `${T}sh`, "2", T],
      ...["<!-- run: prints Hello world! -->", `${T}js`, "x", T],
    ];
    const { examples, problems } = readExamples(text.join("\n"));
    expect(problems).toEqual([]);
    expect(examples.map(({ output, prints }) => ({ output, prints }))).toEqual([
      { output: "1\n2\n", prints: [] },
      { output: undefined, prints: ["Hello world!"] },
    ]);
  });

  it("must have the output that they announce", () => {
    const below = "<!-- run: expect output below -->";
    expect(problemsOf(below, `${T}sh`, "ls", T)).toEqual([
      "line 2: there is no block below with the output",
    ]);
    expect(problemsOf("<!-- run: expect luck -->", `${T}sh`, T)).toEqual([
      'line 2: unknown: "expect luck"; "expect output below" or "prints TEXT"',
    ]);
    expect(problemsOf("<!-- check: prints 1 -->", `${T}ts`, T)).toEqual([
      'line 2: a block that is only checked prints nothing: "prints 1"',
    ]);
  });

  it("continue the last one in their language", () => {
    const text = [
      ...["<!-- check -->", `${T}ts`, "a", T, "<!-- run -->", `${T}sh`, "b", T],
      ...["<!-- continue", "hidden", "-->", `${T}ts`, "c", T],
    ];
    const { examples } = readExamples(text.join("\n"));
    expect(examples.map(({ code }) => code)).toEqual(["a\nhidden\nc\n", "b\n"]);
    expect(problemsOf("<!-- continue -->", `${T}ts`, T)).toEqual([
      "line 2: continue needs a ts block before it that runs or is checked",
    ]);
  });

  it("may contain shorter fences and be indented", () => {
    const nested = ["````md", `${T}ts`, T, "````", "1. <!-- run -->", "   <!-- run -->"];
    const { examples, problems } = readExamples(
      [...nested, `   ${T}ts`, "   if (a)", "     b();", `   ${T}`].join("\n"),
    );
    expect(problems).toEqual([]);
    expect(examples).toMatchObject([{ line: 7, code: "if (a)\n  b();\n" }]);
  });
});
