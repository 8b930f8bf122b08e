import { Notification, app, type BrowserWindow } from 'electron';
import type { BenchService } from '../service/benchService.ts';
import type { OpenWait } from '../service/waits.ts';
import { notifyOfWaits, type WaitNotice } from './waitNotifier.ts';

const show = (notice: WaitNotice, clicked: () => void): (() => void) => {
  if (!Notification.isSupported()) return () => undefined;
  const notification = new Notification({ ...notice, urgency: 'critical', timeoutType: 'never' });
  notification.on('click', clicked);
  notification.show();
  return () => notification.close();
};

/** System notifications, the task bar's attention and its count, for waits that nobody is looking at. */
export const notifyBySystem = (
  window: BrowserWindow,
  service: BenchService,
  goTo: (wait: OpenWait) => void,
): (() => void) =>
  notifyOfWaits({
    waits: () => service.waits(),
    onWaits: (listener) => service.onWaits(listener),
    inFront: () => !window.isDestroyed() && window.isFocused(),
    show: (notice, clicked) => {
      if (!window.isDestroyed()) window.flashFrame(true);
      return show(notice, clicked);
    },
    goTo,
    badge: (count) => void app.setBadgeCount(count),
  });
