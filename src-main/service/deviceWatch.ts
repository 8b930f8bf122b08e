import type { DeviceView } from '../../preload/contract/views.ts';
import type { Result } from '../core/result.ts';
import { sameZpciFunction } from '../core/zpci/zpciFunction.ts';

/** Shortest time between two looks, in milliseconds; a rig with many devices is looked at less often. */
const shortest = 250;
const perDevice = 1 / 4;

const countersEqual = (one: DeviceView['aerCounters'], other: DeviceView['aerCounters']): boolean =>
  one === other ||
  (one !== null &&
    other !== null &&
    one.correctable === other.correctable &&
    one.nonFatal === other.nonFatal &&
    one.fatal === other.fatal);

const equal = (one: DeviceView, other: DeviceView): boolean =>
  one.address === other.address &&
  one.driver === other.driver &&
  one.name === other.name &&
  one.kind === other.kind &&
  one.className === other.className &&
  one.vendorId === other.vendorId &&
  one.deviceId === other.deviceId &&
  one.parent === other.parent &&
  one.iommuGroup === other.iommuGroup &&
  one.protocols.length === other.protocols.length &&
  one.protocols.every((protocol, index) => protocol === other.protocols[index]) &&
  sameZpciFunction(one.zpci, other.zpci) &&
  countersEqual(one.aerCounters, other.aerCounters);

const listsEqual = (one: readonly DeviceView[], other: readonly DeviceView[]): boolean =>
  one.length === other.length && one.every((device, index) => equal(device, other[index] as DeviceView));

/** Keeps the list of a rig's devices up to date, and says when it is another one. */
export class DeviceWatch {
  readonly #look: () => Promise<Result<readonly DeviceView[]>>;
  readonly #changed: (devices: readonly DeviceView[]) => void;
  /** Every address that the rig ever named: one that has vanished is still known. */
  readonly known = new Set<string>();
  #devices: readonly DeviceView[] = [];
  #timer: NodeJS.Timeout | null = null;
  #looking: Promise<void> | null = null;
  #lookedAt = -Infinity;
  #closed = false;

  constructor(
    look: () => Promise<Result<readonly DeviceView[]>>,
    changed: (devices: readonly DeviceView[]) => void,
  ) {
    this.#look = look;
    this.#changed = changed;
  }

  get devices(): readonly DeviceView[] {
    return this.#devices;
  }

  /** Looks again soon; many hints lead to one look. */
  hint(): void {
    if (this.#closed || this.#timer !== null) return;
    const pause = Math.max(shortest, this.#devices.length * perDevice);
    const due = this.#lookedAt + pause - performance.now();
    this.#timer = setTimeout(() => void this.refresh(), Math.max(0, due));
  }

  /** Looks now. When this settles, the list is not older than the call. */
  async refresh(): Promise<void> {
    // A look that is under way may have missed what this call is about.
    const before = this.#looking ?? Promise.resolve();
    const mine = before.then(() => this.#refresh());
    this.#looking = mine;
    await mine;
    if (this.#looking === mine) this.#looking = null;
  }

  close(): void {
    this.#closed = true;
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
  }

  async #refresh(): Promise<void> {
    if (this.#closed) return;
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
    const listed = await this.#look();
    this.#lookedAt = performance.now();
    if (!listed.ok || this.#closed || listsEqual(listed.value, this.#devices)) return;
    this.#devices = listed.value;
    for (const { address } of listed.value) this.known.add(address);
    this.#changed(listed.value);
  }
}
