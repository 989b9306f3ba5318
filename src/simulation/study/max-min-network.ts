/**
 * The study's network: running downloads, their rates and when the next one ends. Each worker
 * sends and receives `bandwidth` at once; links (ordered pairs of workers with a running download)
 * get max-min fair rates by progressive filling, downloads on one link share its rate equally.
 *
 * Does not know which downloads wait or may start (downloads.ts does). What runs at once is
 * little (4 downloads per worker), so every change walks over all of it: plain loops over typed
 * arrays are faster than anything kept incrementally. Rates of links are filled anew only
 * when the set of links has changed.
 */

const MIB = 1024 * 1024;
/** A download is done when less than this is left. */
const DONE_MIB = 2e-6;

export class MaxMinNetwork {
  /** When the next download ends; Infinity when none runs. Valid after settle(). */
  nextEndS = Number.POSITIVE_INFINITY;
  /** Objects and destinations of the downloads that the last advance() has ended. */
  readonly endedObjects: number[] = [];
  readonly endedAt: number[] = [];

  /** Running downloads, in the order of their start. */
  private count = 0;
  private readonly object: Uint32Array;
  /** source * workerCount + destination */
  private readonly link: Uint32Array;
  private readonly leftMiB: Float64Array;
  private lastS = 0;

  private readonly downloadsOn: Uint16Array;
  private readonly linkRate: Float64Array;
  private changed = false;
  private linksChanged = false;

  /** For the filling: by endpoint, senders before receivers. */
  private readonly capacity: Float64Array;
  private readonly openLinks: Uint16Array;
  private readonly open: Uint32Array;

  constructor(
    private readonly workerCount: number,
    private readonly bandwidthMiB: number,
    maxDownloads: number,
  ) {
    const most = workerCount * maxDownloads;
    this.object = new Uint32Array(most);
    this.link = new Uint32Array(most);
    this.leftMiB = new Float64Array(most);
    this.open = new Uint32Array(most);
    this.downloadsOn = new Uint16Array(workerCount * workerCount);
    this.linkRate = new Float64Array(workerCount * workerCount);
    this.capacity = new Float64Array(2 * workerCount);
    this.openLinks = new Uint16Array(2 * workerCount);
  }

  /** Call settle() after the last one of an instant. */
  start(object: number, source: number, destination: number, bytes: number, nowS: number): void {
    this.moveTo(nowS);
    const link = source * this.workerCount + destination;
    if (this.downloadsOn[link]++ === 0) this.linksChanged = true;
    this.object[this.count] = object;
    this.link[this.count] = link;
    this.leftMiB[this.count++] = bytes / MIB;
    this.changed = true;
  }

  /** Takes out what is done at this time (see endedObjects). Call settle() afterwards. */
  advance(nowS: number): void {
    this.moveTo(nowS);
    const { object, link, leftMiB, endedObjects, endedAt } = this;
    endedObjects.length = 0;
    endedAt.length = 0;
    let kept = 0;
    for (let i = 0; i < this.count; i++) {
      if (leftMiB[i] < DONE_MIB) {
        endedObjects.push(object[i]);
        endedAt.push(link[i] % this.workerCount);
        if (--this.downloadsOn[link[i]] === 0) this.linksChanged = true;
      } else {
        object[kept] = object[i];
        link[kept] = link[i];
        leftMiB[kept++] = leftMiB[i];
      }
    }
    this.count = kept;
    this.changed = true;
  }

  /** Finds rates and the next end after changes. */
  settle(): void {
    if (!this.changed) return;
    this.changed = false;
    if (this.linksChanged) this.fill();
    this.linksChanged = false;
    const { link, leftMiB, linkRate, downloadsOn } = this;
    let soonestS = Number.POSITIVE_INFINITY;
    for (let i = 0; i < this.count; i++) {
      const leftS = (leftMiB[i] / linkRate[link[i]]) * downloadsOn[link[i]];
      if (leftS < soonestS) soonestS = leftS;
    }
    this.nextEndS = this.lastS + soonestS;
  }

  private moveTo(nowS: number): void {
    const passedS = nowS - this.lastS;
    this.lastS = nowS;
    if (passedS === 0) return;
    const { link, leftMiB, linkRate, downloadsOn } = this;
    for (let i = 0; i < this.count; i++) {
      leftMiB[i] -= (linkRate[link[i]] / downloadsOn[link[i]]) * passedS;
    }
  }

  /**
   * Progressive filling: the endpoint with the least capacity per open link (ties: senders first,
   * then the lowest number) gives each of them that share, until no link is open.
   */
  private fill(): void {
    const { workerCount, capacity, openLinks, open, linkRate } = this;
    const endpoints = 2 * workerCount;
    capacity.fill(this.bandwidthMiB);
    openLinks.fill(0);
    let left = 0;
    for (let i = 0; i < this.count; i++) linkRate[this.link[i]] = -1;
    for (let i = 0; i < this.count; i++) {
      const link = this.link[i];
      if (linkRate[link] === 0) continue;
      linkRate[link] = 0;
      open[left++] = link;
      openLinks[Math.floor(link / workerCount)]++;
      openLinks[workerCount + (link % workerCount)]++;
    }
    while (left > 0) {
      let narrowest = 0;
      let share = Number.POSITIVE_INFINITY;
      for (let end = 0; end < endpoints; end++) {
        if (openLinks[end] === 0) continue;
        const own = capacity[end] / openLinks[end];
        if (own < share) {
          share = own;
          narrowest = end;
        }
      }
      const sends = narrowest < workerCount;
      let kept = 0;
      for (let i = 0; i < left; i++) {
        const link = open[i];
        const source = Math.floor(link / workerCount);
        const destination = workerCount + (link % workerCount);
        if ((sends ? source : destination) !== narrowest) {
          open[kept++] = link;
          continue;
        }
        const other = sends ? destination : source;
        linkRate[link] = share;
        capacity[other] -= share;
        openLinks[other]--;
      }
      openLinks[narrowest] = 0;
      left = kept;
    }
  }
}
