import type { Duplex } from 'node:stream';
import type { FaultReceipt, FaultRequest, FaultTarget, InjectorOffer } from '../../core/faults/fault.ts';
import type { PlatformOffer } from '../../core/faults/platformPreflight.ts';
import type { PciAddress } from '../../core/pci/address.ts';
import type { Microseconds } from '../../core/recovery/phase.ts';
import { done, failure, success, type Result } from '../../core/result.ts';
import type { TraceState } from '../../core/kernelTrace/told.ts';
import type { PlatformAction, PlatformReport } from '../../core/zpci/platformActions.ts';
import type { KernelTracer } from '../kernelTracer.ts';
import type { PlatformRig } from '../platformRig.ts';
import { openRemoteRig, type RemoteRig } from '../remote/remoteRig.ts';
import type { DeviceSession, DeviceSummary, Disposer, Rig, RigClock, RigEvent, RigInfo } from '../rig.ts';
import { Guest, type GuestEnd } from './guest.ts';
import type { RigImage } from './image/imageStore.ts';
import { HotPlug } from './hotPlug.ts';
import { kernelCommandLine, type BootWishes } from './kernelCommandLine.ts';
import { injectByMonitor } from './monitorInjector.ts';
import { qemuLine } from './qemuLine.ts';
import { SignalDelay } from './signalDelay.ts';

export interface VirtualRigOptions extends BootWishes {
  readonly image: RigImage;
  /** As the command line takes it: `virtual:x86:switch`. */
  readonly name: string;
  /** The version of this bench. */
  readonly bench: string;
  /** How long the guest may take until its agent is there, in milliseconds. */
  readonly bootPatience?: number;
  /** One short line for each thing that takes time. */
  readonly onProgress?: (text: string) => void;
  /** Gives the boot up: the guest is ended. */
  readonly signal?: AbortSignal;
}

/**
 * How long an agent may say nothing, in milliseconds. On a busy machine an emulator is slow, and what really ends the
 * conversation, QEMU or the agent, is told at once.
 */
const silence = 30_000;
/** Some seconds on an idle machine; many times that when others want it too. */
const usualBootPatience = 120_000;
/** Between two tries to reach an agent that is there and does not answer, in milliseconds. */
const reconnectPause = 1_000;

/** A rig in a QEMU guest: the agent's rig, the guest's life, and QEMU's monitor as an injector. */
export class VirtualRig implements Rig, KernelTracer, PlatformRig {
  readonly info: RigInfo;
  readonly clock: RigClock;
  readonly guest: Guest;
  readonly #remote: RemoteRig;
  readonly #topology: BootWishes['topology'];
  readonly #unlisten: Disposer;
  readonly #listeners = new Set<(event: RigEvent) => void>();
  readonly #delay: SignalDelay;
  readonly #hotPlug: HotPlug;
  readonly #open = new Map<PciAddress, DeviceSession>();
  #reconnecting = false;
  #closed = false;

  constructor(guest: Guest, remote: RemoteRig, topology: BootWishes['topology']) {
    this.info = remote.info;
    this.clock = remote.clock;
    this.guest = guest;
    this.#remote = remote;
    this.#topology = topology;
    this.#delay = new SignalDelay(remote.clock, (event) => {
      for (const listener of [...this.#listeners]) listener(event);
    });
    this.#hotPlug = new HotPlug({ monitor: guest.monitor, topology, rig: remote });
    this.#unlisten = remote.onEvent((event) => {
      if (event.kind === 'linkLost') void this.#reconnect();
      this.#delay.hear(event);
    });
  }

  devices(): Promise<Result<readonly DeviceSummary[]>> {
    return this.#remote.devices();
  }

  async open(address: PciAddress): Promise<Result<DeviceSession>> {
    const opened = await this.#remote.open(address);
    if (opened.ok) this.#open.set(address, opened.value);
    return opened;
  }

  /** The monitor first: what it injects comes from the device, as a real error does. */
  async injectors(address: PciAddress): Promise<Result<readonly InjectorOffer[]>> {
    const offered = await this.#remote.injectors(address);
    if (!offered.ok || this.#idOf(address) === undefined) return offered;
    return success([{ injector: 'qemuMonitor', faults: ['aer', 'unplug'], refusal: null }, ...offered.value]);
  }

  faultTarget(address: PciAddress): Promise<Result<FaultTarget>> {
    return this.#remote.faultTarget(address);
  }

  async inject(request: FaultRequest): Promise<Result<FaultReceipt>> {
    if (request.injector !== 'qemuMonitor') return this.#remote.inject(request);
    const id = this.#idOf(request.address);
    if (id === undefined) {
      return failure(
        'injectorUnavailable',
        `QEMU's monitor reaches no device ${request.address} of this guest.`,
      );
    }
    if (request.fault.kind === 'unplug') {
      return this.#hotPlug.pull(request, id, this.#open.get(request.address) ?? null);
    }
    return injectByMonitor(request, id, {
      monitor: this.guest.monitor,
      witness: this.#remote,
      clock: this.clock,
    });
  }

  bind(address: PciAddress, driver: string | null): Promise<Result<void>> {
    return this.#remote.bind(address, driver);
  }

  /** A device that was taken out is put back first: a rescan finds what is there. */
  async rescan(): Promise<Result<readonly PciAddress[]>> {
    const back = await this.#hotPlug.putBack();
    if (!back.ok) return back;
    const found = await this.#remote.rescan();
    return found.ok ? success([...back.value, ...found.value]) : found;
  }

  /** From now on the bench hears the signals of this device so long after the first of them. */
  slowReader(address: PciAddress, takes: Microseconds): void {
    this.#delay.slow(address, takes);
  }

  platformOffers(address: PciAddress): Promise<Result<readonly PlatformOffer[]>> {
    return this.#remote.platformOffers(address);
  }

  platformAct(address: PciAddress, action: PlatformAction): Promise<Result<PlatformReport>> {
    return this.#remote.platformAct(address, action);
  }

  traceKernel(wish: 'on' | 'off' | 'ask'): Promise<Result<TraceState>> {
    return this.#remote.traceKernel(wish);
  }

  onEvent(listener: (event: RigEvent) => void): Disposer {
    // A listener of its own for each call: the same function may be given twice.
    const own = (event: RigEvent): void => listener(event);
    this.#listeners.add(own);
    return () => this.#listeners.delete(own);
  }

  /** Closes what is open in the guest, and ends it. */
  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    this.#delay.end();
    this.#unlisten();
    // An agent that does not answer must not keep a guest that nobody needs.
    if (this.#remote.link === 'lost' || !this.guest.running) await this.guest.stop();
    await this.#remote.close();
  }

  #idOf(address: PciAddress): string | undefined {
    // Without AER (s390x) the monitor injects nothing.
    if (this.#topology.architecture !== 'x86') return undefined;
    return this.#topology.devices.find((device) => device.address === address)?.id;
  }

  /** Until the agent answers again, the guest has ended, or nobody needs it any more. */
  async #reconnect(): Promise<void> {
    if (this.#reconnecting) return;
    this.#reconnecting = true;
    while (!this.#closed && this.#remote.link === 'lost' && (await agentComes(this.guest))) {
      const channel = await openConversation(this.guest);
      const again = channel.ok ? await this.#remote.reconnect(channel.value) : channel;
      if (!again.ok) await new Promise((resolve) => setTimeout(resolve, reconnectPause));
    }
    this.#reconnecting = false;
  }
}

/** Whether an agent is there, or comes before the guest ends. */
const agentComes = (guest: Guest): Promise<boolean> =>
  guest.agentIsThere
    ? Promise.resolve(true)
    : new Promise((resolve) => {
        const settle = (there: boolean): void => {
          unlisten();
          resolve(there);
        };
        const unlisten = guest.onAgent((there) => {
          if (there) settle(true);
        });
        void guest.ended.then(() => settle(false));
      });

/** A channel that ends with the agent's end of it, and not only when nothing was heard for a while. */
const openConversation = async (guest: Guest): Promise<Result<Duplex>> => {
  const channel = await guest.openChannel();
  if (!channel.ok) return channel;
  const unlisten = guest.onAgent((there) => {
    if (!there) channel.value.destroy();
  });
  channel.value.once('close', unlisten);
  return channel;
};

const notStarted = (why: string, details: GuestEnd['details']): Result<never> =>
  failure('rigNotStarted', `The guest did not come up: ${why}.`, { details });

/** Waits for the agent of a guest that boots. */
const agentOfBoot = async (guest: Guest, patience: number): Promise<Result<void>> => {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<'late'>((resolve) => {
    timer = setTimeout(() => resolve('late'), patience);
  });
  const came = await Promise.race([agentComes(guest), late]);
  clearTimeout(timer);
  if (came === true) return done;
  if (came === 'late') {
    return notStarted(`its agent is not there after ${patience / 1_000} s`, guest.lastLines());
  }
  const { reason, details } = await guest.ended;
  return notStarted(reason, details);
};

/** Boots a guest and answers when its devices can be listed. When that fails, nothing of the guest is left. */
export const openVirtualRig = async (options: VirtualRigOptions): Promise<Result<VirtualRig>> => {
  const { image, topology, driver, name, bench, onProgress } = options;
  const { release } = image.manifest;
  const commandLine = kernelCommandLine(options);
  if (!commandLine.ok) return commandLine;
  const { vmlinuz, initramfs } = image;
  const started = Guest.start(
    (channelPath) => qemuLine({ vmlinuz, initramfs, commandLine: commandLine.value, topology, channelPath }),
    topology.architecture,
  );
  if (!started.ok) return started;
  const guest = started.value;
  const giveUp = (): void => void guest.stop();
  options.signal?.addEventListener('abort', giveUp, { once: true });
  onProgress?.(`booting Linux ${release} with ${topology.title}`);
  const here = await agentOfBoot(guest, options.bootPatience ?? usualBootPatience);
  const channel = here.ok ? await openConversation(guest) : here;
  const opened = channel.ok
    ? await openRemoteRig({
        channel: channel.value,
        kind: 'virtual',
        name,
        title: `Virtual ${topology.architecture}, Linux ${release} with ${driver}, ${topology.title}`,
        bench,
        timing: { silence, greeting: silence },
        release: () => guest.stop(),
      })
    : channel;
  options.signal?.removeEventListener('abort', giveUp);
  if (!opened.ok) {
    await guest.stop();
    return opened;
  }
  return success(new VirtualRig(guest, opened.value, topology));
};
