/** Finds tasks by their label in a plan's bytes, without decoding whole tasks. Called by the server core. */
import type { PlanColumns } from "./plan-columns.js";
import { WireCursor } from "./wire-cursor.js";

const LABEL_TAG = 98;

/** Looks for one label in the tasks of one plan. */
export class LabelMatcher {
  private readonly cursor: WireCursor;

  /** @param label as UTF-8 */
  constructor(
    private readonly columns: Pick<PlanColumns, "bytes" | "messageStart" | "messageLength">,
    private readonly label: Uint8Array,
  ) {
    this.cursor = new WireCursor(columns.bytes, "Task");
  }

  /** Whether task `i` has the label. Throws a ProtocolError if the task is malformed. */
  matches(i: number): boolean {
    const { cursor, columns } = this;
    cursor.at = columns.messageStart[i];
    const end = cursor.at + columns.messageLength[i];
    let found = false;
    while (cursor.at < end) {
      const tag = cursor.int32(end);
      if (tag !== LABEL_TAG) {
        cursor.skip(tag, end);
        continue;
      }
      const length = cursor.length(end);
      found = this.isAt(cursor.at, length);
      cursor.at += length;
    }
    return found;
  }

  private isAt(start: number, length: number): boolean {
    const { label } = this;
    const { bytes } = this.columns;
    if (length !== label.length) return false;
    for (let i = 0; i < length; i++) if (bytes[start + i] !== label[i]) return false;
    return true;
  }
}
