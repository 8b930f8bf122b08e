import { readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { BrowserWindow } from 'electron';
import { parseWindowState, type WindowState } from './windowBounds.ts';

const fileIn = (folder: string): string => join(folder, 'window.json');

export const readWindowState = (folder: string): WindowState | null => {
  try {
    return parseWindowState(readFileSync(fileIn(folder), 'utf8'));
  } catch {
    return null;
  }
};

/** By rename, so that a crash leaves the old file or the new one. A full disk costs the memory of it, and nothing else. */
export const writeWindowState = (folder: string, state: WindowState): boolean => {
  try {
    writeFileSync(`${fileIn(folder)}.new`, `${JSON.stringify(state)}\n`, { mode: 0o600 });
    renameSync(`${fileIn(folder)}.new`, fileIn(folder));
    return true;
  } catch {
    return false;
  }
};

/** After the last move or change of size, not during it. */
const quietTime = 400;

export const rememberBounds = (window: BrowserWindow, folder: string): void => {
  let timer: NodeJS.Timeout | undefined;
  const write = (): void => {
    clearTimeout(timer);
    if (window.isDestroyed()) return;
    writeWindowState(folder, { ...window.getNormalBounds(), maximized: window.isMaximized() });
  };
  const later = (): void => {
    clearTimeout(timer);
    timer = setTimeout(write, quietTime);
  };
  window.on('resize', later);
  window.on('move', later);
  window.on('maximize', later);
  window.on('unmaximize', later);
  window.on('close', write);
  window.on('closed', () => clearTimeout(timer));
};
