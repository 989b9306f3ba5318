/** The live page's three files. Read once, from what the build made. */
import { readFile } from "node:fs/promises";

export interface PageFile {
  readonly type: string;
  readonly body: string;
}

const FOLDER = new URL("../../dist/dashboard/page/", import.meta.url);

const HTML = `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>HyperLoom</title>
<link rel="icon" href="data:,">
<link rel="stylesheet" href="/page.css">
<script src="/page.js" defer></script>
</head>
<body>
<noscript>This page needs JavaScript. The same data are at /api/v1/cluster.</noscript>
</body>
</html>
`;

const known = new Map<string, PageFile>([["/", { type: "text/html; charset=utf-8", body: HTML }]]);
const BUNDLED: Readonly<Record<string, readonly [file: string, type: string]>> = {
  "/page.js": ["bundle.js", "text/javascript; charset=utf-8"],
  "/page.css": ["bundle.css", "text/css; charset=utf-8"],
};

/** The file of that path; undefined: there is none. Rejects when it was not built. */
export async function findPageFile(path: string): Promise<PageFile | undefined> {
  const file = known.get(path);
  if (file !== undefined || !Object.hasOwn(BUNDLED, path)) return file;
  const [name, type] = BUNDLED[path];
  const read = { type, body: await readFile(new URL(name, FOLDER), "utf8") };
  known.set(path, read);
  return read;
}
