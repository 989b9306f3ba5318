/** The table of rooms in docs/architecture.md is kept: who imports whom, and what cores may use. */
import { readdirSync, readFileSync } from "node:fs";
import { dirname, join, relative, resolve, sep } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";

const root = fileURLToPath(new URL("../..", import.meta.url));
const sourceFolder = join(root, "src");

/** Rooms that must run the same on a virtual clock: no I/O, time, chance or promises. */
const PURE_ROOMS = [
  "base",
  "graph",
  "protocol",
  "scheduler",
  "server-core",
  "worker-core",
  "simulation",
];

const FORBIDDEN_IN_PURE_ROOMS: [name: string, pattern: RegExp][] = [
  ["setTimeout", /(?<![\w$])setTimeout\b/],
  ["setInterval", /(?<![\w$])setInterval\b/],
  ["setImmediate", /(?<![\w$])setImmediate\b/],
  ["queueMicrotask", /(?<![\w$])queueMicrotask\b/],
  ["Promise", /(?<![\w$])Promise\b/],
  ["async", /(?<![\w$.])async\s+(function|\(|\w+\s*(=>|\())/],
  ["await", /(?<![\w$.])await\s/],
  ["Date", /(?<![\w$])(Date\.now|new Date)\b/],
  ["performance", /(?<![\w$.])performance\s*\./],
  ["Math.random", /Math\.random\b/],
  ["Buffer", /(?<![\w$.])Buffer\b/],
  ["process", /(?<![\w$.])process\s*(\.|\[)/],
];

interface Import {
  /** Path from the root, for messages. */
  file: string;
  specifier: string;
}

/** Allowed imports by room, from the table; "all" allows every room. */
function readTableOfRooms(): Map<string, Set<string>> {
  const text = readFileSync(join(root, "docs", "architecture.md"), "utf8");
  const rooms = new Map<string, Set<string>>();
  for (const [, room, allowed] of text.matchAll(/^\| `([\w-]+)` *\|[^|]*\|([^|]*)\|$/gm)) {
    const names = [...allowed.matchAll(/`([\w-]+)`/g)].map(([, name]) => name);
    if (allowed.includes("message types")) names.push("protocol");
    rooms.set(room, new Set(["base", ...names]));
  }
  for (const [room, names] of rooms) {
    names.add(room);
    if (room === "cli") for (const other of rooms.keys()) names.add(other);
  }
  return rooms;
}

function sourceFiles(folder: string): string[] {
  return readdirSync(folder, { withFileTypes: true, recursive: true })
    .filter((entry) => entry.isFile() && entry.name.endsWith(".ts"))
    .map((entry) => join(entry.parentPath, entry.name));
}

/** Comments gone; contents of plain string literals too unless they are wanted. */
function codeOf(text: string, keepStrings: boolean): string {
  const token = /\/\*[\s\S]*?\*\/|\/\/.*|"(?:\\.|[^"\\\n])*"|'(?:\\.|[^'\\\n])*'/g;
  return text.replace(token, (match) => {
    if (match.startsWith("/")) return " ";
    return keepStrings ? match : '""';
  });
}

function importsOf(path: string): Import[] {
  const code = codeOf(readFileSync(path, "utf8"), true);
  const file = relative(root, path);
  return [...code.matchAll(/\b(?:from|import)\s*\(?\s*["']([^"']+)["']/g)].map(([, specifier]) => ({
    file,
    specifier,
  }));
}

function roomOf(path: string): string | undefined {
  const parts = relative(sourceFolder, path).split(sep);
  return parts.length > 1 ? parts[0] : undefined;
}

/** What is wrong with the imports of one file, one line each. */
function wrongImports(path: string, rooms: Map<string, Set<string>>): string[] {
  const room = roomOf(path);
  const wrong: string[] = [];
  for (const { file, specifier } of importsOf(path)) {
    if (!specifier.startsWith(".")) {
      if (specifier.startsWith("node:") && room !== undefined && PURE_ROOMS.includes(room)) {
        wrong.push(`${file} imports ${specifier}: room ${room} may not use node modules`);
      }
      continue;
    }
    const target = resolve(dirname(path), specifier);
    const targetRoom = roomOf(target);
    if (targetRoom === room) continue;
    if (targetRoom === undefined) {
      wrong.push(`${file} imports ${specifier}: src/index.ts is for users only`);
      continue;
    }
    // src/index.ts, in no room, gathers what users get.
    if (room !== undefined && rooms.get(room)?.has(targetRoom) !== true) {
      wrong.push(`${file} imports ${specifier}: room ${room} may not use room ${targetRoom}`);
    }
    const entrance = relative(join(sourceFolder, targetRoom), target);
    // Code for browsers has an entrance of its own.
    const isPage = entrance === join("page", "index.js") && path.includes(`${sep}page${sep}`);
    if (entrance !== "index.js" && !isPage) {
      wrong.push(`${file} imports ${specifier}: enter room ${targetRoom} through its index.js`);
    }
  }
  return wrong;
}

function forbiddenUses(path: string): string[] {
  const code = codeOf(readFileSync(path, "utf8"), false);
  return FORBIDDEN_IN_PURE_ROOMS.filter(([, pattern]) => pattern.test(code)).map(
    ([name]) => `${relative(root, path)} uses ${name}`,
  );
}

describe("rooms", () => {
  const rooms = readTableOfRooms();
  const files = sourceFiles(sourceFolder);

  it("are all in the table, and the table is read", () => {
    expect(rooms.size).toBeGreaterThan(10);
    const unknown = files.map(roomOf).filter((room) => room !== undefined && !rooms.has(room));
    expect([...new Set(unknown)]).toEqual([]);
  });

  it("import only what the table allows, through index.js", () => {
    expect(files.flatMap((path) => wrongImports(path, rooms))).toEqual([]);
  });

  it("that are pure use no timer, clock, chance, promise, Buffer or process", () => {
    const pure = files.filter((path) => PURE_ROOMS.includes(roomOf(path) ?? ""));
    expect(pure.length).toBeGreaterThan(0);
    expect(pure.flatMap(forbiddenUses)).toEqual([]);
  });
});
