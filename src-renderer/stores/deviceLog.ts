import { computed, type ComputedRef } from 'vue';
import type { DeviceLog } from './rigLog.ts';
import { useBench } from './bench.ts';

/** Lines and rows of one device, oldest first, anew whenever one is added. */
export const useDeviceLog = (rig: () => string, address: () => string): ComputedRef<DeviceLog> => {
  const bench = useBench();
  return computed<DeviceLog>((previous) => {
    const log = bench.log(rig());
    void log.version.value;
    const { lines, rows } = log.device(address());
    const same =
      previous !== undefined &&
      previous.lines.length === lines.length &&
      previous.lines[0] === lines[0] &&
      previous.lines.at(-1) === lines.at(-1) &&
      previous.rows[0] === rows[0];
    // The arrays behind are appended to in place: a copy tells a watcher that something came.
    return same ? previous : { lines: [...lines], rows: [...rows] };
  });
};
