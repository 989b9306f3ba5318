/** What npm publishes, and what the Docker files say, agrees with what is there. */
import { execFileSync } from "node:child_process";
import { accessSync, constants, existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { parse } from "yaml";
import { COMMANDS } from "../../src/cli/options.js";

const root = fileURLToPath(new URL("../..", import.meta.url));

function readText(name: string): string {
  return readFileSync(join(root, name), "utf8");
}

interface PackageJson {
  bin: Record<string, string>;
  exports: Record<string, string | { types: string; default: string }>;
  files: string[];
  dependencies: Record<string, string>;
}

/** An import by a package's name; messages and code generators have such words in strings, too. */
const IMPORT = /(?<!\.)\b(?:from|import)\s*\(?\s*"(@?[a-z][\w.:/-]*)"/g;

const packageJson = JSON.parse(readText("package.json")) as PackageJson;

/** Paths that `npm pack` would put into the package. */
function packedFiles(): string[] {
  const output = execFileSync("npm", ["pack", "--dry-run", "--json", "--ignore-scripts"], {
    cwd: root,
    encoding: "utf8",
    stdio: ["ignore", "pipe", "ignore"],
  });
  const [{ files }] = JSON.parse(output) as [{ files: { path: string }[] }];
  return files.map(({ path }) => path);
}

describe("package.json", () => {
  it("names programs that exist, start with a shebang and are executable", () => {
    expect(Object.keys(packageJson.bin).sort()).toEqual(["loom", "loom-server", "loom-worker"]);
    for (const file of Object.values(packageJson.bin)) {
      expect(readText(file).startsWith("#!/usr/bin/env node\n"), file).toBe(true);
      accessSync(join(root, file), constants.X_OK);
    }
  });

  it("exports files that exist", () => {
    for (const [name, target] of Object.entries(packageJson.exports)) {
      for (const file of typeof target === "string" ? [target] : Object.values(target)) {
        expect(existsSync(join(root, file)), `${name}: ${file}`).toBe(true);
      }
    }
  });

  it("publishes programs, launcher, schema and docs, but no source or test", () => {
    const files = packedFiles();
    expect(files).toEqual(
      expect.arrayContaining([
        "package.json",
        "LICENSE",
        "README.md",
        "dist/index.js",
        "dist/index.d.ts",
        "dist/cli/loom.js",
        "dist/cli/loom-server.js",
        "dist/cli/loom-worker.js",
        "launcher/launcher.py",
        "proto/loom.proto",
        "docs/cli.md",
      ]),
    );
    const folders = new Set(files.filter((path) => path.includes("/")).map((p) => p.split("/")[0]));
    const entries = packageJson.files.filter((name) => !/[.!]/.test(name));
    const published = entries.map((name) => name.split("/")[0]);
    expect([...folders].filter((folder) => !published.includes(folder))).toEqual([]);
    expect(
      files.filter((path) => /(^|\/)(src|test|__pycache__|node_modules)\//.test(path)),
    ).toEqual([]);
  });

  it("depends at run time on nothing that only development has", () => {
    const imported = new Set<string>();
    for (const file of packedFiles().filter((path) => /^dist\/.*\.js$/.test(path))) {
      for (const [, name] of readText(file).matchAll(IMPORT)) {
        imported.add(
          name.startsWith("@") ? name.split("/").slice(0, 2).join("/") : name.split("/")[0],
        );
      }
    }
    const packages = [...imported].filter((name) => !name.startsWith("node:"));
    expect(packages.filter((name) => packageJson.dependencies[name] === undefined)).toEqual([]);
  });
});

describe("package-lock.json", () => {
  it.each(["package-lock.json", "scripts/typedoc/package-lock.json"])(
    "names no registry: %s",
    (file) => {
      expect(readText(file)).not.toContain('"resolved"');
    },
  );

  // Without them npm ci refuses the file. npm leaves out what a registry mirror does not have:
  // then add name, version, cpu, os and libc by hand; no machine here downloads them.
  it("has the packages for other platforms, too", () => {
    const { packages } = JSON.parse(readText("package-lock.json")) as {
      packages: Record<string, { optionalDependencies?: Record<string, string> }>;
    };
    const optional = Object.values(packages).flatMap(({ optionalDependencies }) =>
      Object.keys(optionalDependencies ?? {}),
    );
    expect(optional.length).toBeGreaterThan(0);
    expect(optional.filter((name) => packages[`node_modules/${name}`] === undefined)).toEqual([]);
  });
});

describe("Docker files", () => {
  interface Service {
    command: string[];
    healthcheck?: { test: string[] };
  }
  const compose = parse(readText("docker-compose.yml")) as { services: Record<string, Service> };

  /** Fails unless `words` are a command of `loom` with flags that it has. */
  function expectLoomCommand([name, ...rest]: string[]): void {
    const spec = COMMANDS.find((command) => command.name === name);
    expect(spec, `loom ${name}`).toBeDefined();
    const known = spec?.options.flatMap(({ flags }) => flags.match(/--?[a-z-]+/g) ?? []);
    for (const flag of rest.filter((word) => word.startsWith("-"))) {
      expect(known, `loom ${name}`).toContain(flag);
    }
  }

  it("compose starts a server that others reach, and workers", () => {
    const { server, worker } = compose.services;
    expect(server.command).toEqual(expect.arrayContaining(["server", "--listen", "0.0.0.0"]));
    expect(worker.command.slice(0, 2)).toEqual(["worker", "server"]);
  });

  it("compose uses commands and flags that exist", () => {
    for (const { command, healthcheck } of Object.values(compose.services)) {
      expectLoomCommand(command);
      if (healthcheck !== undefined) expectLoomCommand(healthcheck.test.slice(2));
    }
  });

  it("Dockerfile copies only what exists and starts a command that exists", () => {
    const text = readText("Dockerfile");
    for (const [, sources] of text.matchAll(/^COPY (?!--from)(.*) \S+$/gm)) {
      for (const source of sources.split(" ")) {
        expect(existsSync(join(root, source)), source).toBe(true);
      }
    }
    const command = /^CMD (\[.*\])$/m.exec(text)?.[1] ?? "[]";
    expectLoomCommand(JSON.parse(command) as string[]);
  });
});
