/**
 * Makes a fresh checkout runnable: packages, dist/, the Python environment. Needs nothing but
 * Node and npm (without Python it warns); does nothing when all is there. With --dev also what
 * tests, checks and docs need. Called by `npm run setup`, `demo`, `bench`, `check`, `docs` and
 * test.mjs.
 */
import { spawnSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { join, relative } from "node:path";
import { fileURLToPath } from "node:url";
import { ensurePython } from "./python-environment.mjs";

const root = fileURLToPath(new URL("..", import.meta.url));

/** Whether node_modules lacks something of the lock file, or has it in another version. */
function packagesAreStale(folder) {
  const installedFile = join(folder, "node_modules", ".package-lock.json");
  if (!existsSync(installedFile)) return true;
  const wanted = JSON.parse(readFileSync(join(folder, "package-lock.json"), "utf8")).packages;
  const installed = JSON.parse(readFileSync(installedFile, "utf8")).packages;
  return Object.entries(wanted).some(([path, { version, optional }]) => {
    if (path === "") return false;
    // Optional packages are those of other platforms, most of the time.
    if (installed[path] === undefined) return optional !== true;
    return installed[path].version !== version;
  });
}

function installPackages(folder) {
  const where = folder === root ? "" : ` of ${relative(root, folder)}`;
  console.log(`setup: installing packages${where} (npm ci)`);
  const { status, stdout, stderr, error } = spawnSync(
    "npm",
    ["ci", "--no-audit", "--no-fund", "--loglevel=error"],
    { cwd: folder, encoding: "utf8" },
  );
  if (status === 0) return;
  if (error !== undefined) fail(`npm cannot be started (${error.message}); install Node with npm`);
  const output = `${stdout}${stderr}`;
  if (/ENOTFOUND|EAI_AGAIN|ECONNREFUSED|ECONNRESET|ETIMEDOUT|ENETUNREACH|network/i.test(output)) {
    fail(
      "npm ci cannot reach the package registry; connect this machine to the network, " +
        "or set npm's registry to a mirror (npm config set registry URL), and run this again",
    );
  }
  process.stderr.write(output);
  fail("npm ci failed (above)");
}

function fail(message) {
  process.stderr.write(`setup: ${message}\n`);
  process.exit(1);
}

const [major] = process.versions.node.split(".").map(Number);
if (major < 20) fail(`Node ${process.versions.node} is too old; install Node 20 or newer`);
const forDevelopment = process.argv.includes("--dev");
// typedoc needs another version of TypeScript than the project.
const folders = forDevelopment ? [root, join(root, "scripts", "typedoc")] : [root];
for (const folder of folders) if (packagesAreStale(folder)) installPackages(folder);
const { build, buildIsStale } = await import("./build.mjs");
if (buildIsStale() && !build()) fail("the build failed (above)");
ensurePython(forDevelopment ? "dev" : "run");
