import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { fitBounds, parseWindowState, smallestWindow } from '../../src-main/console/windowBounds.ts';
import { readWindowState, writeWindowState } from '../../src-main/console/windowState.ts';

const left = { x: 0, y: 24, width: 1920, height: 1056 };
const right = { x: 1920, y: 0, width: 1280, height: 800 };

describe('remembered bounds', () => {
  it.each([
    [
      'stay as they are',
      { x: 100, y: 100, width: 1280, height: 800 },
      [left],
      { x: 100, y: 100, width: 1280, height: 800 },
    ],
    [
      'move back from beyond the edge',
      { x: 1500, y: -50, width: 1280, height: 800 },
      [left],
      { x: 640, y: 24, width: 1280, height: 800 },
    ],
    [
      'shrink to a smaller screen',
      { x: 1900, y: 0, width: 1900, height: 1000 },
      [right],
      { x: 1920, y: 0, width: 1280, height: 800 },
    ],
    [
      'grow to the smallest that is usable',
      { x: 10, y: 30, width: 20, height: 20 },
      [left],
      { x: 10, y: 30, ...smallestWindow },
    ],
    [
      'go to the screen that they overlap most',
      { x: 1800, y: 0, width: 1000, height: 700 },
      [left, right],
      { x: 1920, y: 0, width: 1000, height: 700 },
    ],
    ['are forgotten with their screen', { x: 2000, y: 100, width: 1000, height: 700 }, [left], null],
    ['are forgotten without any screen', { x: 0, y: 0, width: 1000, height: 700 }, [], null],
  ])('%s', (_what, saved, areas, fitted) => {
    expect(fitBounds(saved, areas)).toEqual(fitted);
  });

  it('lie wholly in a work area, whatever was remembered', () => {
    const number = fc.integer({ min: -5_000, max: 5_000 });
    const extent = fc.integer({ min: 1, max: 6_000 });
    fc.assert(
      fc.property(number, number, extent, extent, (x, y, width, height) => {
        const areas = [left, right];
        const fitted = fitBounds({ x, y, width, height }, areas);
        if (fitted === null) return;
        expect(
          areas.some(
            (area) =>
              fitted.x >= area.x &&
              fitted.y >= area.y &&
              fitted.x + fitted.width <= area.x + area.width &&
              fitted.y + fitted.height <= area.y + area.height,
          ),
        ).toBe(true);
      }),
    );
  });
});

const state = { x: 1, y: 2, width: 1000, height: 700, maximized: false };

describe('the file that they are kept in', () => {
  let folder = '';
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'window-state-'));
  });
  afterEach(() => rmSync(folder, { recursive: true }));

  it('gives back what was written, and leaves no other file', () => {
    expect(writeWindowState(folder, state)).toBe(true);
    expect(readWindowState(folder)).toEqual(state);
    expect(readdirSync(folder)).toEqual(['window.json']);
  });

  it('is nothing at first, and no trouble when it cannot be written', () => {
    expect(readWindowState(folder)).toBeNull();
    expect(writeWindowState(join(folder, 'absent'), state)).toBe(false);
  });

  it.each([
    '',
    '{',
    'null',
    '[]',
    '{}',
    JSON.stringify({ ...state, x: 1.5 }),
    JSON.stringify({ ...state, width: 0 }),
    JSON.stringify({ ...state, height: 1e9 }),
    JSON.stringify({ ...state, maximized: 'yes' }),
    JSON.stringify({ ...state, webPreferences: { sandbox: false } }),
  ])('counts for nothing when it says %s', (text) => {
    writeFileSync(join(folder, 'window.json'), text);
    expect(readWindowState(folder)).toBeNull();
  });

  it('is read or refused, never thrown over', () => {
    fc.assert(fc.property(fc.oneof(fc.string(), fc.json()), (text) => parseWindowState(text) === null));
  });
});
