import type { OpenWait } from '../service/waits.ts';
import { secondsLeft, waitKey } from './waitWords.ts';

export interface WaitNotice {
  readonly title: string;
  readonly body: string;
}

export const waitNotice = (wait: OpenWait): WaitNotice => ({
  title: `${wait.device} waits for a decision`,
  body: `${secondsLeft(wait)} left on ${wait.rig} (${wait.protocol}). Click to review.`,
});

export interface WaitNotifierPorts {
  readonly waits: () => readonly OpenWait[];
  readonly onWaits: (listener: () => void) => () => void;
  /** Whether the person is looking at the console now. */
  readonly inFront: () => boolean;
  /** Shows a system notification; the disposer takes it away again. */
  readonly show: (notice: WaitNotice, clicked: () => void) => () => void;
  readonly goTo: (wait: OpenWait) => void;
  readonly badge: (count: number) => void;
}

/** One system notification for each wait that opens behind the person's back; it goes away with its wait. */
export const notifyOfWaits = (ports: WaitNotifierPorts): (() => void) => {
  const known = new Map<string, () => void>();
  const look = (): void => {
    const waits = ports.waits();
    const open = new Set(waits.map(waitKey));
    for (const [key, takeAway] of known) {
      if (open.has(key)) continue;
      known.delete(key);
      takeAway();
    }
    for (const wait of waits) {
      if (known.has(waitKey(wait))) continue;
      const shown = ports.inFront() ? null : ports.show(waitNotice(wait), () => ports.goTo(wait));
      known.set(waitKey(wait), shown ?? (() => undefined));
    }
    ports.badge(waits.length);
  };
  const stop = ports.onWaits(look);
  look();
  return () => {
    stop();
    for (const takeAway of known.values()) takeAway();
    known.clear();
  };
};
