/** A module of the user's own. */
const MARK: string = "!";

export function shout(text: string): string {
  return text.toUpperCase() + MARK;
}
