import { join } from 'node:path';
import { bindPreflight } from '../../core/faults/bindPreflight.ts';
import type { FaultReceipt, FaultRequest, FaultTarget, InjectorOffer } from '../../core/faults/fault.ts';
import type { PlatformOffer } from '../../core/faults/platformPreflight.ts';
import type { PciAddress } from '../../core/pci/address.ts';
import type { Protocol } from '../../core/recovery/phase.ts';
import { done, failure, success, type Result } from '../../core/result.ts';
import type { TraceState } from '../../core/kernelTrace/told.ts';
import { platformWords, type PlatformAction, type PlatformReport } from '../../core/zpci/platformActions.ts';
import type { MachineEvent, MachineEvents } from '../../kernel/events/machineEvents.ts';
import { readHardwareConfig } from '../../kernel/sysfs/configSpace.ts';
import { changeDriver, restoreBinding, type EarlierBinding } from '../../kernel/sysfs/driverBinding.ts';
import {
  iommuGroupMembers,
  listPciFunctions,
  readPciFunction,
  type PciFunction,
} from '../../kernel/sysfs/pciFunction.ts';
import { readPciNames, type PciNames } from '../../kernel/sysfs/pciNames.ts';
import type { PlatformDesk } from '../../kernel/sysfs/platformActions.ts';
import { KernelWork } from '../../kernel/sysfs/sysfsWrites.ts';
import type { KernelTrace, KernelTraceEvent } from '../../kernel/trace/kernelTrace.ts';
import type { FaultWitness } from '../faultWitness.ts';
import type { KernelTracer } from '../kernelTracer.ts';
import type { PlatformRig } from '../platformRig.ts';
import type { DeviceSession, DeviceSummary, Disposer, Rig, RigClock, RigEvent, RigInfo } from '../rig.ts';
import { openBenchSession } from '../session/benchSession.ts';
import type { BadDma } from './badDma.ts';
import { capabilitiesOf } from './capabilities.ts';
import { likelyProtocols, sharersOf, summaryOf } from './deviceSummary.ts';
import { injectFault, injectorOffers, type InjectionNeeds } from './injection.ts';
import { LinuxFaultWitness } from './linuxFaultWitness.ts';
import { LinuxPlatform } from './linuxPlatform.ts';
import { checkOpening } from './openingChecks.ts';
import { bindTargetOf, faultTargetOf } from './targets.ts';
import { RigTrace } from './rigTrace.ts';
import type { OpenVfioDevice } from './vfioOpening.ts';

export interface LinuxRigParts extends PlatformDesk {
  readonly info: RigInfo;
  readonly clock: RigClock;
  readonly openVfioDevice: OpenVfioDevice;
  readonly injectAer: InjectionNeeds['injectAer'];
  readonly listen: (listener: (event: MachineEvent) => void) => Promise<MachineEvents>;
  readonly openTrace: (listener: (event: KernelTraceEvent) => void) => Promise<Result<KernelTrace>>;
  /** How long a call waits for the kernel to bind, unbind or rescan, in milliseconds. */
  readonly patience: number;
  /** Ends the threads; called when everything else is closed. */
  readonly release: () => Promise<void>;
}

interface OpenDevice {
  readonly session: DeviceSession;
  readonly badDma: BadDma | null;
}

/** The machine that this program runs on. */
export class LinuxRig implements Rig, FaultWitness, KernelTracer, PlatformRig {
  readonly info: RigInfo;
  readonly clock: RigClock;
  readonly #parts: LinuxRigParts;
  readonly #names: PciNames;
  readonly #witness: LinuxFaultWitness;
  readonly #trace: RigTrace;
  readonly #platform: LinuxPlatform;
  readonly #listeners = new Set<(event: RigEvent) => void>();
  readonly #open = new Map<PciAddress, OpenDevice | 'opening'>();
  readonly #openings = new Set<Promise<unknown>>();
  /** What opening found out, until the driver changes. */
  readonly #protocols = new Map<
    PciAddress,
    { readonly driver: string; readonly found: readonly Protocol[] }
  >();
  /** How functions were bound before this rig changed it. */
  readonly #earlier = new Map<PciAddress, EarlierBinding>();
  readonly #seen = new Set<PciAddress>();
  readonly #work = new KernelWork();
  #events: MachineEvents | null = null;
  #toldTroubles = false;
  #closed: Promise<void> | null = null;

  private constructor(parts: LinuxRigParts, names: PciNames) {
    this.info = parts.info;
    this.clock = parts.clock;
    this.#parts = parts;
    this.#names = names;
    this.#witness = new LinuxFaultWitness({
      tree: parts.tree,
      clock: parts.clock,
      onEvent: (listener) => this.onEvent(listener),
    });
    this.#platform = new LinuxPlatform({
      desk: parts,
      clock: parts.clock,
      work: this.#work,
      patience: parts.patience,
      note: (address, text) => this.#note(address, text),
    });
    this.#trace = new RigTrace({
      open: parts.openTrace,
      now: () => parts.clock.now(),
      emit: (event) => this.#emit(event),
    });
  }

  static async start(parts: LinuxRigParts): Promise<LinuxRig> {
    const rig = new LinuxRig(parts, await readPciNames(parts.tree));
    rig.#events = await parts.listen((event) => rig.#emit(event));
    return rig;
  }

  async devices(): Promise<Result<readonly DeviceSummary[]>> {
    const all = await this.#functions();
    return all.ok
      ? success(all.value.map((found) => summaryOf(found, this.#names, this.#protocolsOf(found))))
      : all;
  }

  async open(address: PciAddress): Promise<Result<DeviceSession>> {
    const found = await this.#find(address);
    if (!found.ok) return found;
    if (this.#open.has(address)) return failure('busy', `${address} is open already.`);
    this.#open.set(address, 'opening');
    this.#trace.concerns(found.value);
    const opening = this.#openSession(found.value);
    this.#openings.add(opening);
    const opened = await opening.finally(() => this.#openings.delete(opening));
    if (opened.ok) this.#open.set(address, opened.value);
    else this.#open.delete(address);
    return opened.ok ? success(opened.value.session) : opened;
  }

  async injectors(address: PciAddress): Promise<Result<readonly InjectorOffer[]>> {
    const found = await this.#find(address);
    return found.ok
      ? success(await injectorOffers(this.#parts.tree, found.value, this.#opened(address)))
      : found;
  }

  async faultTarget(address: PciAddress): Promise<Result<FaultTarget>> {
    const all = await this.#functions();
    if (!all.ok) return all;
    const found = await this.#find(address);
    return found.ok ? faultTargetOf(this.#parts.tree, found.value, all.value) : found;
  }

  async inject(request: FaultRequest): Promise<Result<FaultReceipt>> {
    const found = await this.#find(request.address);
    if (!found.ok) return found;
    const { clock, tree, injectAer } = this.#parts;
    const needs: InjectionNeeds = {
      tree,
      clock,
      injectAer,
      open: this.#opened(request.address),
      witness: this.#witness,
      onEvent: (listener) => this.onEvent(listener),
    };
    return injectFault(needs, found.value, request);
  }

  expectFault(request: FaultRequest): Promise<Result<number>> {
    return this.#witness.expectFault(request);
  }

  settleFault(expectation: number): Promise<Result<FaultReceipt['delivery']>> {
    return this.#witness.settleFault(expectation);
  }

  async traceKernel(wish: 'on' | 'off' | 'ask'): Promise<Result<TraceState>> {
    if (this.#closed !== null) return failure('rigClosed', 'This rig is closed.');
    return success(await this.#trace.wish(wish));
  }

  async bind(address: PciAddress, driver: string | null): Promise<Result<void>> {
    const found = await this.#find(address);
    if (!found.ok) return found;
    const target = await bindTargetOf(this.#parts.tree, found.value, this.#open.has(address));
    const { refusal, warnings } = bindPreflight(target, driver);
    if (refusal !== null) return { ok: false, error: refusal };
    const { patience } = this.#parts;
    const what = driver === null ? `the unbind of ${address}` : `the change of ${address} to ${driver}`;
    const late = (result: Result<void>): void =>
      this.#note(address, `The kernel has let go of ${what}: ${result.ok ? 'done' : result.error.message}`);
    const changed = await this.#work.outlast({ subject: address, what, patience, late }, () =>
      this.#changeDriver(address, driver),
    );
    if (changed.ok) for (const warning of warnings) this.#note(address, warning);
    return changed;
  }

  async platformOffers(address: PciAddress): Promise<Result<readonly PlatformOffer[]>> {
    const known = await this.#findKnown(address);
    return known.ok ? success(await this.#platform.offers(address, this.#open.has(address))) : known;
  }

  async platformAct(address: PciAddress, action: PlatformAction): Promise<Result<PlatformReport>> {
    const known = await this.#findKnown(address);
    if (!known.ok) return known;
    const acted = await this.#platform.act(address, action, this.#open.has(address));
    // What comes back is a new device, bound by nobody of this rig.
    if (acted.ok && (action === 'powerOn' || platformWords[action].takesAway)) {
      this.#earlier.delete(address);
      this.#protocols.delete(address);
    }
    return acted;
  }

  async rescan(): Promise<Result<readonly PciAddress[]>> {
    const before = await this.#functions();
    if (!before.ok) return before;
    const { tree, write, patience } = this.#parts;
    const what = 'the rescan of the bus';
    const late = (): void => this.#note(null, `The kernel has ended ${what}.`);
    const scanned = await this.#work.outlast({ subject: 'the bus', what, patience, late }, () =>
      write(join(tree.sys, 'bus/pci/rescan'), '1', what),
    );
    if (!scanned.ok) return scanned;
    const after = await this.#functions();
    if (!after.ok) return after;
    const known = new Set(before.value.map((one) => one.address));
    return success(after.value.flatMap((one) => (known.has(one.address) ? [] : [one.address])));
  }

  onEvent(listener: (event: RigEvent) => void): Disposer {
    // A listener of its own for each call: the same function may be given twice.
    const own = (event: RigEvent): void => listener(event);
    this.#listeners.add(own);
    if (!this.#toldTroubles) queueMicrotask(() => this.#tellTroubles());
    return () => this.#listeners.delete(own);
  }

  close(): Promise<void> {
    this.#closed ??= this.#end();
    return this.#closed;
  }

  async #end(): Promise<void> {
    const sessions = [...this.#open.values()].filter((one) => one !== 'opening');
    await Promise.all(sessions.map(({ session }) => session.close()));
    await Promise.allSettled(this.#openings);
    this.#witness.close();
    await this.#trace.close();
    await this.#events?.close();
    this.#listeners.clear();
    await this.#parts.release();
  }

  #opened(address: PciAddress): OpenDevice | null {
    const open = this.#open.get(address);
    return open === undefined || open === 'opening' ? null : open;
  }

  /** The kernel's clock has fractions of a microsecond, the rig's has not. */
  #emit(event: RigEvent): void {
    const whole = { ...event, at: Math.floor(event.at) };
    for (const listener of [...this.#listeners]) listener(whole);
  }

  /** What this machine does not let the rig hear, to the first who listens. */
  #tellTroubles(): void {
    if (this.#toldTroubles || this.#listeners.size === 0) return;
    this.#toldTroubles = true;
    const { ueventTrouble = null, kernelLogTrouble = null } = this.#events ?? {};
    for (const trouble of [ueventTrouble, kernelLogTrouble]) {
      if (trouble !== null) this.#note(null, trouble.message);
    }
  }

  #note(address: PciAddress | null, text: string): void {
    this.#emit({ kind: 'kernelLog', at: this.clock.now(), address, text });
  }

  async #functions(): Promise<Result<readonly PciFunction[]>> {
    if (this.#closed !== null) return failure('rigClosed', 'This rig is closed.');
    const all = await listPciFunctions(this.#parts.tree);
    if (all.ok) for (const one of all.value) this.#saw(one);
    return all;
  }

  async #find(address: PciAddress): Promise<Result<PciFunction>> {
    if (this.#closed !== null) return failure('rigClosed', 'This rig is closed.');
    const found = await readPciFunction(this.#parts.tree, address);
    if (found !== null) {
      this.#saw(found);
      return success(found);
    }
    return this.#seen.has(address)
      ? failure('deviceLost', `${address} is not on the bus any more; look at its slot, or rescan the bus.`)
      : failure('unknownAddress', `This machine has no device ${address}; "devices" lists what it has.`);
  }

  #saw(found: PciFunction): void {
    this.#seen.add(found.address);
    this.#platform.saw(found);
  }

  /** Also one that its platform took off the bus. */
  async #findKnown(address: PciAddress): Promise<Result<void>> {
    const found = await this.#find(address);
    return found.ok || (this.#closed === null && this.#platform.knows(address)) ? done : found;
  }

  #protocolsOf(found: PciFunction): readonly Protocol[] {
    const known = this.#protocols.get(found.address);
    return known !== undefined && known.driver === found.driver
      ? known.found
      : likelyProtocols(found, this.info.kernel);
  }

  async #openSession(found: PciFunction): Promise<Result<OpenDevice>> {
    const { address } = found;
    const { tree, clock, openVfioDevice } = this.#parts;
    const all = await this.#functions();
    if (!all.ok) return all;
    await this.#trace.begin();
    const group = found.iommuGroup === null ? [] : await iommuGroupMembers(tree, found.iommuGroup);
    const members = all.value.filter((one) => one.address !== address && group.includes(one.address));
    const checked = await checkOpening(tree, found, members);
    if (!checked.ok) return checked;
    const opened = await openVfioDevice({
      function: found,
      readHardwareConfig: (other) => readHardwareConfig(tree, other),
      emit: (event) => this.#emit(event),
    });
    if (!opened.ok) return opened;
    const { device, driver, protocols, badDma } = opened.value;
    this.#protocols.set(address, { driver: found.driver ?? '', found: protocols });
    const session = await openBenchSession({
      device,
      driver,
      clock,
      capabilities: await capabilitiesOf(tree, found, opened.value, {
        sharers: sharersOf(found, all.value),
        uevents: this.#events?.ueventTrouble === null ? 'observable' : 'unobservable',
      }),
      platform: found.zpci === null ? 'aer' : 'zpci',
      closed: () => this.#open.delete(address),
    });
    // Whoever closes the rig does not see a session that is still being opened.
    if (session.ok && this.#closed === null) return success({ session: session.value, badDma });
    if (session.ok) await session.value.close();
    else await device.close();
    return session.ok ? failure('rigClosed', 'This rig is closed.') : session;
  }

  async #changeDriver(address: PciAddress, driver: string | null): Promise<Result<void>> {
    const earlier = this.#earlier.get(address);
    if (earlier !== undefined && earlier.driver === driver) {
      const restored = await restoreBinding(this.#parts, address, earlier);
      if (restored.ok) this.#earlier.delete(address);
      return restored;
    }
    const changed = await changeDriver(this.#parts, address, driver);
    if (!changed.ok) return changed;
    if (earlier === undefined) this.#earlier.set(address, changed.value);
    return done;
  }
}
