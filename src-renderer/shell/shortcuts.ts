/** Keys of the console. Single keys press the control that declares them with `aria-keyshortcuts`. */
export interface ShortcutTargets {
  readonly palette: () => void;
  readonly keys: () => void;
}

const isTyping = (target: EventTarget | null): boolean =>
  target instanceof Element &&
  target.closest('input:not([type=checkbox], [type=radio]), select, textarea, [contenteditable=true]') !==
    null;

const isModal = (): boolean => document.querySelector('dialog[open]') !== null;

/** The control for a key, when it is in the page; a field is focused, everything else is pressed. */
const press = (key: string): boolean => {
  const control = document.querySelector<HTMLElement>(`[aria-keyshortcuts="${CSS.escape(key)}"]`);
  if (control === null) return false;
  control.focus();
  if (!(control instanceof HTMLInputElement)) control.click();
  return true;
};

/** The disposer ends it. */
export const listenToShortcuts = (window: Window, targets: ShortcutTargets): (() => void) => {
  const onKey = (event: KeyboardEvent): void => {
    if (event.defaultPrevented || event.isComposing) return;
    const withControl = (event.ctrlKey || event.metaKey) && !event.altKey && !event.shiftKey;
    if (withControl && event.key.toLowerCase() === 'k') {
      event.preventDefault();
      if (!isModal()) targets.palette();
      return;
    }
    const plain = !event.ctrlKey && !event.metaKey && !event.altKey && !event.repeat;
    if (!plain || isTyping(event.target) || isModal() || event.key.length !== 1) return;
    if (event.key === '?') {
      event.preventDefault();
      targets.keys();
      return;
    }
    if (press(event.key.toUpperCase())) event.preventDefault();
  };
  window.addEventListener('keydown', onKey);
  return () => {
    window.removeEventListener('keydown', onKey);
  };
};
