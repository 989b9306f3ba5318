/**
 * Bytes of labels and metadata, one text after the other, each behind its length: a million texts without
 * a million objects. Called by what reads traces.
 */

const PAGE_BYTES = 1024 * 1024;
const LENGTH_BYTES = 4;

export class TextStore {
  private readonly pages: Uint8Array[] = [];
  /** Where the next one goes, in the last page; that many bytes of it are used. */
  private used = PAGE_BYTES;

  /** Keeps a copy; gives where it is, never 0. */
  put(source: Uint8Array, start: number, length: number): number {
    const needed = LENGTH_BYTES + length;
    if (this.used + needed > PAGE_BYTES) this.addPage(needed);
    const page = this.pages[this.pages.length - 1];
    const at = this.used;
    new DataView(page.buffer).setUint32(at, length, true);
    for (let i = 0; i < length; i++) page[at + LENGTH_BYTES + i] = source[start + i];
    this.used += needed;
    return (this.pages.length - 1) * PAGE_BYTES + at;
  }

  get(at: number): Uint8Array {
    const page = this.pages[Math.floor(at / PAGE_BYTES)];
    const start = at % PAGE_BYTES;
    const length = new DataView(page.buffer).getUint32(start, true);
    return page.subarray(start + LENGTH_BYTES, start + LENGTH_BYTES + length);
  }

  private addPage(needed: number): void {
    this.pages.push(new Uint8Array(Math.max(PAGE_BYTES, needed + 1)));
    // A text that is longer than a page has one of its own, and begins it. 0 means "none".
    this.used = this.pages.length === 1 ? 1 : 0;
  }
}
