/** A module of the user's own. */
const MARK = "!";

export function shout(text) {
  return text.toUpperCase() + MARK;
}
