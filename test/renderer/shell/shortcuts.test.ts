// @vitest-environment happy-dom
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { listenToShortcuts } from '../../../src-renderer/shell/shortcuts.ts';

const targets = { palette: vi.fn(), keys: vi.fn() };
let dispose = (): void => undefined;
const press = (key: string, rest: KeyboardEventInit = {}, on: Element = document.body): KeyboardEvent => {
  const event = new KeyboardEvent('keydown', { key, bubbles: true, cancelable: true, ...rest });
  on.dispatchEvent(event);
  return event;
};
const put = (html: string): void => {
  document.body.innerHTML = html;
};

beforeEach(() => {
  vi.clearAllMocks();
  dispose = listenToShortcuts(window, targets);
});
afterEach(() => {
  dispose();
  put('');
});

describe('listenToShortcuts', () => {
  it('opens the palette and the map', () => {
    expect(press('k', { ctrlKey: true }).defaultPrevented).toBe(true);
    press('?', { shiftKey: true });
    expect(targets.palette).toHaveBeenCalledOnce();
    expect(targets.keys).toHaveBeenCalledOnce();
  });

  it('presses the control that declares the key, and moves the focus there', () => {
    put('<button aria-keyshortcuts="A">Acknowledge</button><input aria-keyshortcuts="/">');
    const clicked = vi.fn();
    const button = document.querySelector('button');
    button?.addEventListener('click', clicked);
    press('a');
    expect(clicked).toHaveBeenCalledOnce();
    expect(document.activeElement).toBe(button);
    expect(press('/').defaultPrevented).toBe(true);
    expect(document.activeElement).toBe(document.querySelector('input'));
  });

  it('leaves alone who types, a dialog that is open, and keys that nobody declares', () => {
    put('<button aria-keyshortcuts="A">Acknowledge</button><input id="typing">');
    const clicked = vi.fn();
    document.querySelector('button')?.addEventListener('click', clicked);
    press('a', {}, document.querySelector('#typing') ?? document.body);
    press('a', { ctrlKey: true });
    press('a', { repeat: true });
    expect(press('z').defaultPrevented).toBe(false);
    document.body.insertAdjacentHTML('beforeend', '<dialog open></dialog>');
    press('a');
    press('?');
    press('k', { ctrlKey: true });
    expect(clicked).not.toHaveBeenCalled();
    expect(targets.keys).not.toHaveBeenCalled();
    expect(targets.palette).not.toHaveBeenCalled();
  });
});
