import { z } from 'zod';

export interface Rectangle {
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
}

export const smallestWindow = { width: 960, height: 600 } as const;
export const usualWindow = { width: 1280, height: 800 } as const;

const coordinate = z.int().min(-100_000).max(100_000);
const extent = z.int().min(1).max(100_000);

/** What is remembered of the window. The file is the user's own, and still only data. */
const windowState = z.strictObject({
  x: coordinate,
  y: coordinate,
  width: extent,
  height: extent,
  maximized: z.boolean(),
});
export type WindowState = z.output<typeof windowState>;

export const parseWindowState = (text: string): WindowState | null => {
  try {
    const parsed = windowState.safeParse(JSON.parse(text));
    return parsed.success ? parsed.data : null;
  } catch {
    return null;
  }
};

const overlap = (a: Rectangle, b: Rectangle): number =>
  Math.max(0, Math.min(a.x + a.width, b.x + b.width) - Math.max(a.x, b.x)) *
  Math.max(0, Math.min(a.y + a.height, b.y + b.height) - Math.max(a.y, b.y));

const within = (value: number, low: number, high: number): number =>
  Math.max(low, Math.min(value, Math.max(low, high)));

/**
 * Remembered bounds as they fit on the screens that there are now: wholly inside the work area that they overlap most.
 * Null when they overlap none, as when a screen was unplugged: the window then opens where the system puts it.
 */
export const fitBounds = (saved: Rectangle, workAreas: readonly Rectangle[]): Rectangle | null => {
  const best = workAreas.reduce<Rectangle | null>(
    (found, area) => (found === null || overlap(saved, area) > overlap(saved, found) ? area : found),
    null,
  );
  if (best === null || overlap(saved, best) === 0) return null;
  const width = within(saved.width, Math.min(smallestWindow.width, best.width), best.width);
  const height = within(saved.height, Math.min(smallestWindow.height, best.height), best.height);
  return {
    x: within(saved.x, best.x, best.x + best.width - width),
    y: within(saved.y, best.y, best.y + best.height - height),
    width,
    height,
  };
};
