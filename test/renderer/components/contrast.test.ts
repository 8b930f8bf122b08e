import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';

const css = readFileSync(new URL('../../../src-renderer/styles/tokens.css', import.meta.url), 'utf8');
const tokens = new Map(
  [...css.matchAll(/--([a-z-]+): light-dark\((#[0-9a-f]{6}), (#[0-9a-f]{6})\)/g)].map(
    ([, name = '', light = '', dark = '']) => [name, { light, dark }] as const,
  ),
);

/** WCAG 2.2: relative luminance and contrast ratio. */
const luminance = (colour: string): number => {
  const [red = 0, green = 0, blue = 0] = [1, 3, 5].map((at) => {
    const part = Number.parseInt(colour.slice(at, at + 2), 16) / 255;
    return part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4;
  });
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
};
const contrast = (one: string, other: string): number => {
  const [dark = 0, light = 0] = [luminance(one), luminance(other)].sort((left, right) => left - right);
  return (light + 0.05) / (dark + 0.05);
};

const grounds = ['ground', 'panel', 'raised', 'accent-soft', 'wait-soft'];
const tones = ['fatal', 'warn', 'good', 'wait', 'accent'];
/** Every text colour on every ground it is put on; 4.5:1 is the bar for text. */
const texts = [
  ...['text', 'text-quiet', ...tones].flatMap((colour) => grounds.map((on) => [colour, on] as const)),
  ...['text', 'text-quiet'].flatMap((colour) => tones.map((tone) => [colour, `${tone}-soft`] as const)),
  ...tones.map((tone) => [tone, `${tone}-soft`] as const),
  ['on-accent', 'accent'] as const,
];
/** Borders that a control is known by: 3:1. */
const edges = ['panel', 'raised'].map((on) => ['line-strong', on] as const);

const ratio = (colour: string, on: string, scheme: 'light' | 'dark'): number =>
  contrast(tokens.get(colour)?.[scheme] ?? '#000000', tokens.get(on)?.[scheme] ?? '#000000');

describe.each(['light', 'dark'] as const)('tokens in the %s theme', (scheme) => {
  it.each(texts)('%s can be read on %s', (colour, on) => {
    expect(ratio(colour, on, scheme)).toBeGreaterThanOrEqual(4.5);
  });

  it.each(edges)('%s can be seen on %s', (colour, on) => {
    expect(ratio(colour, on, scheme)).toBeGreaterThanOrEqual(3);
  });
});
