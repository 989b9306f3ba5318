/**
 * Colours of labels: the same text gets the same one, in this report and in the next, and different labels of
 * one page different ones. No DOM.
 */

/**
 * Colour-blind safe: six of Okabe and Ito (jfly.uni-koeln.de/color) without black and yellow, which do not stand
 * out on dark and light, and olive and wine of Paul Tol's "muted" (personal.sron.nl/~pault).
 */
const BASE = [
  "#0072b2",
  "#e69f00",
  "#009e73",
  "#cc79a7",
  "#56b4e9",
  "#d55e00",
  "#999933",
  "#aa4499",
] as const;

/** Afterwards the same, lighter and darker, and all of these again with stripes. */
const PALETTE = [
  ...BASE,
  ...BASE.map((c) => mixed(c, 255, 0.5)),
  ...BASE.map((c) => mixed(c, 0, 0.4)),
];

export interface LabelColour {
  /** "#rrggbb". */
  readonly hex: string;
  readonly striped: boolean;
}

/** Colours of labels, in the order in which the labels came: an earlier one keeps its colour. */
export class LabelColours {
  private readonly colours: LabelColour[] = [];
  /** How often each colour is used. */
  private readonly uses = new Uint32Array(PALETTE.length);

  /** Colours for labels that have been added to the end. */
  update(labels: readonly string[]): void {
    for (let i = this.colours.length; i < labels.length; i++)
      this.colours.push(this.next(labels[i]));
  }

  get(label: number): LabelColour {
    return this.colours[label] ?? { hex: "#888888", striped: false };
  }

  private next(label: string): LabelColour {
    const hash = hashOf(label);
    const round = this.uses.reduce((least, uses) => Math.min(least, uses), Number.MAX_SAFE_INTEGER);
    // Pure colours as long as there are any, then the lighter and the darker ones.
    for (let shade = 0; shade < PALETTE.length; shade += BASE.length) {
      for (let i = 0; i < BASE.length; i++) {
        const place = shade + ((hash + i) % BASE.length);
        if (this.uses[place] > round) continue;
        this.uses[place]++;
        return { hex: PALETTE[place], striped: round % 2 === 1 };
      }
    }
    throw new Error("no colour is used least");
  }
}

/** FNV-1a. */
function hashOf(text: string): number {
  let hash = 0x811c9dc5;
  for (let i = 0; i < text.length; i++) {
    hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193);
  }
  return hash >>> 0;
}

function mixed(hex: string, towards: number, share: number): string {
  const parts = [1, 3, 5].map((at) => {
    const value = Number.parseInt(hex.slice(at, at + 2), 16);
    return Math.round(value + (towards - value) * share)
      .toString(16)
      .padStart(2, "0");
  });
  return `#${parts.join("")}`;
}
