import { printable } from '../../../text/printable.ts';

/** Finds an element of the page's own markup by its id. */
export function byId(id: string): HTMLElement {
  const found = document.getElementById(id);
  if (found === null) throw new Error(`the page has no #${id}`);
  return found;
}

/** Makes an element with a class and what is in it. Texts become text, whatever they hold. */
export function make<Tag extends keyof HTMLElementTagNameMap>(
  tag: Tag,
  className = '',
  ...children: (Node | string)[]
): HTMLElementTagNameMap[Tag] {
  const element = document.createElement(tag);
  if (className !== '') element.className = className;
  element.append(...children);
  return element;
}

/** Sets the text of an element, with what can't be printed as escapes. What is as it was is left alone, so that a selection stays. */
export function setText(element: Element, text: string): void {
  const shown = printable(text);
  if (element.textContent !== shown) element.textContent = shown;
}

/** Shows an element or hides it; nothing is done where it is so already. */
export function setShown(element: HTMLElement, isShown: boolean): void {
  if (element.hidden === isShown) element.hidden = !isShown;
}

/** The element of an item of a list, and how it takes a newer state of the item. */
export interface ItemView<T> {
  element: HTMLElement;
  update: (item: T) => void;
}

/**
 * Keeps the children of a list to items: an item that stays keeps its element, and with it the focus and what is opened in it.
 * Returns what takes the newest items, in their order.
 */
export function createList<T>(
  list: HTMLElement,
  keyOf: (item: T) => string,
  create: () => ItemView<T>,
): (items: readonly T[]) => void {
  const views = new Map<string, ItemView<T>>();
  return (items) => {
    const keys = new Set(items.map(keyOf));
    for (const [key, { element }] of views) {
      if (keys.has(key)) continue;
      element.remove();
      views.delete(key);
    }
    for (const [at, item] of items.entries()) {
      const key = keyOf(item);
      const view = views.get(key) ?? create();
      views.set(key, view);
      view.update(item);
      place(list, view.element, at);
    }
  };
}

/** Puts an element at its place in a list. A browser takes the focus from an element that is moved: it is given back. */
function place(list: HTMLElement, element: HTMLElement, at: number): void {
  const there = list.children[at] ?? null;
  if (there === element) return;
  const focused = document.activeElement;
  list.insertBefore(element, there);
  if (focused instanceof HTMLElement && element.contains(focused)) focused.focus();
}
