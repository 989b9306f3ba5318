/** A module that lies on the workers: functions of it are called by name. */
import { tasks } from "hyperloom";

export function shout(data) {
  return `${data.text().toUpperCase()}!`;
}

/** Goes on in Python, whose source it is given, which goes on here. */
export function pingPong(n, source, data) {
  const args = [n - 1, source.text(), import.meta.filename];
  return n === 0
    ? data
    : tasks.pythonSource(source.text(), { function: "f", args, inputs: [source, data] });
}
