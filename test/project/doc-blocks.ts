/**
 * The code blocks of a Markdown file and what tests do with them. Owns the convention of
 * comments above blocks (CONTRIBUTING.md explains it) and nothing of how blocks are executed.
 * Used by readme-examples.test.ts.
 */

/** Languages that examples are in, by what may stand behind the fence. */
const LANGUAGES: Record<string, Language> = {
  ts: "ts",
  typescript: "ts",
  js: "js",
  javascript: "js",
  python: "python",
  py: "python",
  sh: "sh",
  bash: "sh",
  shell: "sh",
  console: "console",
};

export type Language = "ts" | "js" | "python" | "sh" | "console";

/** One block, or several that continue each other. */
export interface Example {
  /** Line of the first fence, from 1. */
  line: number;
  language: Language;
  action: "run" | "check";
  /** Hidden lines and blocks, joined. */
  code: string;
  /** All that it must write to standard output; undefined: anything. */
  output: string | undefined;
  /** Lines that must be in its standard output. */
  prints: string[];
}

export interface DocExamples {
  examples: Example[];
  /** What is wrong with the comments, "line N: ..." each. */
  problems: string[];
}

interface Fence {
  line: number;
  language: string;
  text: string;
  /** Text of the comment right above it. */
  comment: string | undefined;
}

/** Reads all blocks; those in other languages than examples only serve as expected output. */
export function readExamples(markdown: string): DocExamples {
  const fences = readFences(markdown);
  const examples: Example[] = [];
  const problems: string[] = [];
  for (const [i, fence] of fences.entries()) {
    const language = LANGUAGES[fence.language];
    const isOutput = i > 0 && expectsOutputBelow(fences[i - 1]);
    if (language === undefined || isOutput) continue;
    try {
      addExample(examples, fence, language, fences[i + 1]);
    } catch (error) {
      problems.push(`line ${fence.line}: ${(error as Error).message}`);
    }
  }
  return { examples, problems };
}

function addExample(
  examples: Example[],
  fence: Fence,
  language: Language,
  next: Fence | undefined,
): void {
  const [directive, ...hiddenLines] = (fence.comment ?? "").split("\n");
  const match = /^(run|check|continue|no-run)(?:: *(.*))?$/.exec(directive.trim());
  if (match === null) {
    throw new Error(
      `the ${fence.language} block needs a comment above it: run, check, continue or no-run (CONTRIBUTING.md)`,
    );
  }
  const [, word, detail] = match;
  if (word === "no-run") {
    if (!detail) throw new Error("no-run needs a reason: <!-- no-run: why -->");
    return;
  }
  let example = examples.findLast((earlier) => earlier.language === language);
  if (word !== "continue") {
    const action = word as Example["action"];
    example = { line: fence.line, language, action, code: "", output: undefined, prints: [] };
  } else if (example === undefined) {
    throw new Error(`continue needs a ${fence.language} block before it that runs or is checked`);
  }
  if (detail !== undefined && example!.action === "check") {
    throw new Error(`a block that is only checked prints nothing: "${detail}"`);
  }
  const printed = /^prints (.+)$/.exec(detail ?? "")?.[1];
  if (printed !== undefined) {
    example!.prints.push(printed);
  } else if (detail === "expect output below") {
    if (next === undefined) throw new Error("there is no block below with the output");
    example!.output = (example!.output ?? "") + next.text;
  } else if (detail !== undefined) {
    throw new Error(`unknown: "${detail}"; "expect output below" or "prints TEXT"`);
  }
  example!.code += [...hiddenLines.map((line) => `${line}\n`), fence.text].join("");
  if (word !== "continue") examples.push(example!);
}

function expectsOutputBelow({ comment }: Fence): boolean {
  return /^(run|continue): *expect output below$/.test(comment?.split("\n")[0].trim() ?? "");
}

function readFences(markdown: string): Fence[] {
  const lines = markdown.split("\n");
  const fences: Fence[] = [];
  let comment: string | undefined;
  for (let i = 0; i < lines.length; i++) {
    const [, indent, ticks, info] = /^( *)(`{3,}|~{3,})(.*)$/.exec(lines[i]) ?? [];
    if (ticks !== undefined) {
      const line = i + 1;
      const end = new RegExp(`^ *${ticks[0]}{${ticks.length},} *$`);
      const body: string[] = [];
      for (i++; i < lines.length && !end.test(lines[i]); i++) {
        body.push(`${lines[i].startsWith(indent) ? lines[i].slice(indent.length) : lines[i]}\n`);
      }
      const language = info.trim().split(/\s/)[0].toLowerCase();
      fences.push({ line, language, text: body.join(""), comment });
      comment = undefined;
    } else if (/^ *<!--/.test(lines[i])) {
      const start = i;
      while (i < lines.length - 1 && !lines[i].includes("-->")) i++;
      const whole = lines.slice(start, i + 1).join("\n");
      comment = whole.replace(/^ *<!-- ?/, "").replace(/\n? *-->.*$/s, "");
    } else if (lines[i].trim() !== "") {
      comment = undefined;
    }
  }
  return fences;
}
