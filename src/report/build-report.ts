/**
 * Trace → one HTML file that needs nothing else. Owns the frame of the file: the page's code, its style and the
 * data, and the policy that keeps everything else out. The page is made by scripts/build-pages.mjs. Called by
 * `loom report`.
 */
import { createHash } from "node:crypto";
import { existsSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { deflateRaw } from "node:zlib";
import { LoomError } from "../base/index.js";
import type { Trace } from "../trace/index.js";
import { encodePayload } from "./payload.js";
import { viewDataOf } from "./view-data-of.js";

export interface ReportOptions {
  /** Shown at the top. */
  readonly title: string;
}

/** In the first kilobyte of every report. */
export const REPORT_MARK = '<meta name="generator" content="HyperLoom report">';

/** The report of a trace, as the text of an HTML file. */
export async function buildReport(trace: Trace, { title }: ReportOptions): Promise<string> {
  const payload = encodePayload(viewDataOf(trace, title));
  const packed = await promisify(deflateRaw)(payload, { level: 6 });
  const script = pagePart("js").replace(/<(?=\/script|!--)/gi, "\\x3c");
  const style = pagePart("css");
  const policy = [
    "default-src 'none'",
    `script-src '${hashOf(script)}'`,
    `style-src '${hashOf(style)}'`,
    "base-uri 'none'",
    "form-action 'none'",
  ].join("; ");
  return [
    "<!doctype html>",
    '<html lang="en">',
    "<head>",
    '<meta charset="utf-8">',
    REPORT_MARK,
    `<meta http-equiv="Content-Security-Policy" content="${policy}">`,
    '<meta name="viewport" content="width=device-width, initial-scale=1">',
    `<title>${escapeHtml(title)}</title>`,
    `<style>${style}</style>`,
    "</head>",
    "<body>",
    '<main id="views"></main>',
    // Base64: nothing in it can end the element.
    `<script type="application/octet-stream" id="data">${packed.toString("base64")}</script>`,
    `<script>${script}</script>`,
    "</body>",
    "</html>",
    "",
  ].join("\n");
}

/** The bundle is beside this file in dist/; sources that are run as they are use it from there. */
function pagePart(kind: "js" | "css"): string {
  const places = [`./page/bundle.${kind}`, `../../dist/report/page/bundle.${kind}`];
  const file = places
    .map((place) => fileURLToPath(new URL(place, import.meta.url)))
    .find((path) => existsSync(path));
  if (file === undefined) {
    throw new LoomError(
      "internal",
      `the page of reports is missing (bundle.${kind}): npm run build`,
    );
  }
  return readFileSync(file, "utf8");
}

function hashOf(text: string): string {
  return `sha256-${createHash("sha256").update(text).digest("base64")}`;
}

function escapeHtml(text: string): string {
  return text.replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`);
}
