/** Sections that are made anew whenever something changes: texts and tables. */
import type { Section } from "../section.js";
import type { ViewContext } from "../view-context.js";

/** Scrolled and opened parts stay as they are when they are made anew, as they are in a page that lives. */
function keepState(host: HTMLElement, replace: () => void): void {
  const scrolled = (): HTMLElement[] => [...host.querySelectorAll<HTMLElement>(".scroll, pre")];
  const details = (): HTMLDetailsElement[] => [
    ...host.querySelectorAll<HTMLDetailsElement>("details[data-key]"),
  ];
  const tops = scrolled().map(({ scrollTop }) => scrollTop);
  const open = new Map(details().map((one) => [one.dataset.key, one.open]));
  replace();
  for (const one of details()) one.open = open.get(one.dataset.key) ?? one.open;
  scrolled().forEach((one, i) => {
    if (tops[i] > 0) one.scrollTop = tops[i];
  });
}

/** @param content what the section shows now */
export function contentSection(
  about: Pick<Section, "id" | "title" | "hint">,
  content: (context: ViewContext) => readonly HTMLElement[],
): Section {
  return {
    ...about,
    mount(host, context) {
      const update = (): void => keepState(host, () => host.replaceChildren(...content(context)));
      update();
      return { update, destroy: () => host.replaceChildren() };
    },
  };
}
