/** Directories that a user names: made with what is missing above them. */
import { mkdirSync, statSync } from "node:fs";
import { dirname } from "node:path";

/**
 * Makes the directory and those above it that are missing. Not mkdir's `recursive`: where nothing can be made
 * (/proc, automounted folders) Node 20 tries for ever.
 * @throws the error of the system call
 */
export function makeDirectories(path: string): void {
  if (isDirectory(path)) return;
  if (dirname(path) !== path) makeDirectories(dirname(path));
  try {
    mkdirSync(path);
  } catch (error) {
    // Somebody else may have made it meanwhile.
    if (!isDirectory(path)) throw error;
  }
}

function isDirectory(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isDirectory() === true;
}
