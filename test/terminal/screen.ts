/** What a terminal shows after some output: as much of one as our programs use. Anything else throws. */
export class Screen {
  private lines: string[][] = [[]];
  private row = 0;
  private column = 0;
  private wraps = true;
  /** The main screen while the alternate one is shown. */
  private main: { lines: string[][]; row: number; column: number } | undefined;
  isCursorShown = true;
  /** It is told to show what comes only when all of it has come. */
  isHeld = false;

  constructor(
    readonly columns: number,
    readonly rows: number,
  ) {}

  /** All lines, those that have scrolled away too; empty ones at the end are left out. */
  get text(): string[] {
    const lines = this.lines.map((line) => line.join("").trimEnd());
    while (lines.at(-1) === "") lines.pop();
    return lines;
  }

  get isAlternate(): boolean {
    return this.main !== undefined;
  }

  /** May end within a sequence: returns what is left of it. */
  write(text: string): string {
    // biome-ignore lint/suspicious/noControlCharactersInRegex: that is what terminals are told
    const token = /\x1b\[([?\d;]*)([A-Za-z])|\x1b$|\x1b\[[?\d;]*$|[^\x1b]/gu;
    let rest = "";
    for (const [all, parameters, command] of text.matchAll(token)) {
      if (command !== undefined) this.command(parameters, command);
      else if (all.startsWith("\x1b")) rest = all;
      else this.put(all);
    }
    return rest;
  }

  private put(character: string): void {
    if (character === "\r") this.column = 0;
    else if (character === "\n") this.lineFeed();
    else {
      if (this.column >= this.columns) {
        if (this.wraps) {
          this.column = 0;
          this.lineFeed();
        } else this.column = this.columns - 1;
      }
      const line = this.lines[this.row];
      while (line.length < this.column) line.push(" ");
      line[this.column++] = character;
    }
  }

  private lineFeed(): void {
    this.row++;
    while (this.lines.length <= this.row) this.lines.push([]);
  }

  private get top(): number {
    return Math.max(0, this.lines.length - this.rows);
  }

  private command(parameters: string, command: string): void {
    const number = parameters === "" ? 1 : Number(parameters);
    switch (`${parameters.startsWith("?") ? parameters : ""}${command}`) {
      case "J":
        this.lines[this.row].length = Math.min(this.lines[this.row].length, this.column);
        // The screen stays as far down as it is.
        for (let row = this.row + 1; row < this.lines.length; row++) this.lines[row] = [];
        break;
      case "K":
        this.lines[this.row].length = Math.min(this.lines[this.row].length, this.column);
        break;
      case "A":
        this.row = Math.max(this.top, this.row - number);
        break;
      case "H":
        this.row = this.top;
        this.column = 0;
        break;
      case "m":
        break;
      case "?2026h":
      case "?2026l":
        this.isHeld = command === "h";
        break;
      case "?7l":
      case "?7h":
        this.wraps = parameters.length > 0 && command === "h";
        break;
      case "?25l":
      case "?25h":
        this.isCursorShown = command === "h";
        break;
      case "?1049h":
        this.main = { lines: this.lines, row: this.row, column: this.column };
        [this.lines, this.row, this.column] = [[[]], 0, 0];
        break;
      case "?1049l":
        if (this.main !== undefined)
          ({ lines: this.lines, row: this.row, column: this.column } = this.main);
        this.main = undefined;
        break;
      default:
        throw new Error(`the terminal of the tests does not know ESC [ ${parameters}${command}`);
    }
  }
}
