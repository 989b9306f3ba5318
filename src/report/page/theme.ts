/** Light and dark: as the system says, until the user says otherwise. */
import { element } from "./dom.js";

type Theme = "auto" | "light" | "dark";
const KEY = "hyperloom-theme";

export class ThemeSwitch {
  readonly root = element("select", {
    "aria-label": "Colours",
    change: () => this.choose(this.root.value as Theme),
  });
  private readonly system = matchMedia("(prefers-color-scheme: dark)");

  /** @param onChange colours are others now */
  constructor(private readonly onChange: () => void) {
    for (const theme of ["auto", "light", "dark"]) {
      this.root.append(element("option", { value: theme }, theme));
    }
    this.root.value = stored();
    this.apply(this.root.value as Theme);
    this.system.addEventListener("change", this.onChange);
  }

  destroy(): void {
    this.system.removeEventListener("change", this.onChange);
    this.root.remove();
  }

  private choose(theme: Theme): void {
    try {
      localStorage.setItem(KEY, theme);
    } catch {
      // Pages from disk may have none: then it holds until the page is closed.
    }
    this.apply(theme);
    this.onChange();
  }

  private apply(theme: Theme): void {
    if (theme === "auto") delete document.documentElement.dataset.theme;
    else document.documentElement.dataset.theme = theme;
  }
}

function stored(): Theme {
  try {
    const theme = localStorage.getItem(KEY);
    return theme === "light" || theme === "dark" ? theme : "auto";
  } catch {
    return "auto";
  }
}
