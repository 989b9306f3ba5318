/** `npm run docs`: writes docs/cli.md from the table of options (a test compares them). */
import { writeFileSync } from "node:fs";
import { cliReference } from "../dist/cli/reference.js";

writeFileSync(new URL("../docs/cli.md", import.meta.url), cliReference());
