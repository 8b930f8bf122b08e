import type { PciAddress } from '../../core/pci/address.ts';
import { commandBit, configOffset } from '../../core/pci/registers.ts';
import { errnoNumbers } from '../../core/errno.ts';
import type { Microseconds, Protocol } from '../../core/recovery/phase.ts';
import type { AutomaticReport, EehReport } from '../../core/recovery/reports.ts';
import { done, failure, success, type BenchError, type Result } from '../../core/result.ts';
import { zpciBaseOf } from '../../core/vfio/deviceInfo.ts';
import { pciIrqIndexes, vfioRequests } from '../../core/vfio/numbers.ts';
import { prepareAutomaticAnswer } from '../../kernel/vfio/automaticAnswer.ts';
import { VfioDeviceFile } from '../../kernel/vfio/deviceFile.ts';
import { discover, type VfioAbilities } from '../../kernel/vfio/discover.ts';
import { openDmaBuffer, type DmaBuffer } from '../../kernel/vfio/dmaBuffer.ts';
import { InterruptCounters, openWatchedEventfd, type WatchedEventfd } from '../../kernel/vfio/eventfdSet.ts';
import { hotReset } from '../../kernel/vfio/hotReset.ts';
import type { OpenedVfio, VfioOpener } from '../../kernel/vfio/vfioOpener.ts';
import { ZpciErrorQueue } from '../../kernel/vfio/zpciErrorQueue.ts';
import type { Kernel } from '../../kernel/kernel.ts';
import { refused } from '../../kernel/refusal.ts';
import type { Mapping } from '../../kernel/syscalls.ts';
import { readHardwareConfigAtOnce } from '../../kernel/sysfs/configSpace.ts';
import type { AnswerGiven } from '../../kernel/waiter/messages.ts';
import type { AccessWidth, PreparedAnswer, Told, VfioDevice, ZpciBase } from '../session/vfioDevice.ts';

/** What an open device tells without being asked. Times are CLOCK_MONOTONIC in microseconds. */
export interface DeviceListener {
  readonly signal: (
    protocol: Protocol,
    signal: {
      readonly at: Microseconds;
      readonly count: number;
      readonly number: number;
      readonly answered: AutomaticReport | null;
    },
  ) => void;
  readonly answered: (
    protocol: Protocol,
    late: { readonly number: number; readonly answered: AutomaticReport },
  ) => void;
  readonly releaseRequested: (at: Microseconds) => void;
  /** The error index can no longer be listened to. */
  readonly deaf: (error: BenchError) => void;
}

export interface LinuxDeviceNeeds {
  readonly kernel: Kernel;
  readonly opener: VfioOpener;
  readonly address: PciAddress;
  readonly listener: DeviceListener;
}

const { VFIO_PCI_MSIX_IRQ_INDEX, VFIO_PCI_REQ_IRQ_INDEX } = pciIrqIndexes;

const indexOf = (protocol: Protocol): number =>
  protocol === 'notify' ? pciIrqIndexes.VFIO_PCI_ERR_NOTIFY_IRQ_INDEX : pciIrqIndexes.VFIO_PCI_ERR_IRQ_INDEX;

/** The bench's own buffer: a small driver's queues and what it asks for. */
const bufferSize = 0x1_0000;

/**
 * So many of a device's vectors get an eventfd: the bench's drivers use two, and a device with 2048 of them would use
 * up the files that a process may open.
 */
const mostVectors = 32;

/**
 * The VfioDevice port on a real kernel. Reset, hot reset, open and close block for as long as the kernel holds the
 * device's lock and are made in threads of their own; everything else returns at once.
 */
export class LinuxVfioDevice implements VfioDevice {
  readonly address: PciAddress;
  readonly abilities: VfioAbilities;
  readonly interrupts: InterruptCounters;
  readonly #needs: LinuxDeviceNeeds;
  readonly #opened: OpenedVfio;
  readonly #file: VfioDeviceFile;
  readonly #buffer: DmaBuffer;
  readonly #mappings = new Map<number, Mapping>();
  /** COMMAND.Memory as last written through VFIO, which is what its page faults go by; it is on after the open. */
  #memoryOn = true;
  readonly #errors: ZpciErrorQueue;
  #unmapped: bigint | null = null;
  #error: WatchedEventfd | null = null;
  #request: WatchedEventfd | null = null;
  /** What the waiter may hold, or held last. */
  #answer: PreparedAnswer | null = null;
  #told: Told = { signal: 0, acknowledged: 0 };
  #open = true;

  private constructor(
    needs: LinuxDeviceNeeds,
    opened: OpenedVfio,
    file: VfioDeviceFile,
    buffer: DmaBuffer,
    abilities: VfioAbilities,
  ) {
    this.#needs = needs;
    this.#opened = opened;
    this.#file = file;
    this.#buffer = buffer;
    this.address = needs.address;
    this.abilities = abilities;
    this.interrupts = new InterruptCounters(needs.kernel);
    this.#errors = new ZpciErrorQueue(needs.kernel.calls, file, abilities.zpci?.mediation ?? null);
  }

  /** Opens it, asks what it can do, and gives it memory. Nothing is left open on failure. */
  static async open(needs: LinuxDeviceNeeds): Promise<Result<LinuxVfioDevice>> {
    const { kernel, opener, address } = needs;
    const opened = await opener.open(address);
    if (!opened.ok) return opened;
    const file = new VfioDeviceFile(kernel.calls, address, opened.value.fd);
    const abilities = discover(kernel, file);
    if (!abilities.ok) {
      await opened.value.close();
      return abilities;
    }
    const buffer = openDmaBuffer(kernel.calls, opened.value.space, bufferSize);
    if (!buffer.ok) {
      await opened.value.close();
      return buffer;
    }
    const device = new LinuxVfioDevice(needs, opened.value, file, buffer.value, abilities.value);
    const listening = await device.#listenForRequests();
    if (!listening.ok) {
      await device.close();
      return listening;
    }
    return success(device);
  }

  /** Memory that the device reaches, for the bench's own driver of it. */
  get buffer(): DmaBuffer {
    return this.#buffer;
  }

  /** An I/O address of the buffer's size that nothing is ever mapped at; the same each time. */
  unmappedAddress(): Result<bigint> {
    if (this.#unmapped !== null) return success(this.#unmapped);
    const reserved = this.#opened.space.reserve(BigInt(bufferSize));
    if (reserved.ok) this.#unmapped = reserved.value;
    return reserved;
  }

  async #listenForRequests(): Promise<Result<void>> {
    if (!this.abilities.asksForRelease) return done;
    const { kernel, listener } = this.#needs;
    const eventfd = await openWatchedEventfd(kernel, {
      signal: ({ at }) => listener.releaseRequested(at),
      broken: () => undefined,
    });
    if (!eventfd.ok) return eventfd;
    this.#request = eventfd.value;
    return this.#file.registerEventfds(VFIO_PCI_REQ_IRQ_INDEX, [eventfd.value.fd]);
  }

  async registerErrorEventfd(protocol: Protocol): Promise<Result<void>> {
    if (!this.#open) return this.#closed();
    if (protocol === 'eeh') return noEeh(this.address);
    const { kernel, listener } = this.#needs;
    const eventfd = await openWatchedEventfd(kernel, {
      signal: ({ at, count, number, answer }) => {
        this.#told = { ...this.#told, signal: number };
        const answered = this.#reportOf(answer, number);
        listener.signal(protocol, { at, count: Number(count), number, answered });
      },
      answered: ({ number, answer }) => {
        const answered = this.#reportOf(answer, number);
        if (answered !== null) listener.answered(protocol, { number, answered });
      },
      broken: listener.deaf,
    });
    if (!eventfd.ok) return eventfd;
    const registered = this.#open
      ? this.#file.registerEventfds(indexOf(protocol), [eventfd.value.fd])
      : this.#closed();
    if (!registered.ok) {
      await eventfd.value.close();
      return registered;
    }
    await this.#error?.close();
    this.#error = eventfd.value;
    this.#answer = null;
    this.#told = { signal: 0, acknowledged: 0 };
    return registered;
  }

  async unregisterErrorEventfd(protocol: Protocol): Promise<Result<void>> {
    if (!this.#open) return this.#closed();
    if (protocol === 'eeh') return noEeh(this.address);
    const removed = this.#file.unregister(indexOf(protocol));
    if (!removed.ok) return removed;
    const eventfd = this.#error;
    this.#error = null;
    await eventfd?.close();
    return removed;
  }

  async triggerErrorEventfd(protocol: Protocol): Promise<Result<void>> {
    if (!this.#open) return this.#closed();
    return protocol === 'eeh' ? noEeh(this.address) : this.#file.trigger(indexOf(protocol));
  }

  get told(): Told {
    return this.#told;
  }

  async handDown(answer: PreparedAnswer, heard: number): Promise<Result<void>> {
    if (!this.#open) return this.#closed();
    if (this.#error === null) return failure('notArmed', `${this.address} is not armed.`);
    const { looks, calls, delay, latest } = answer;
    const prepared = prepareAutomaticAnswer(this.#file, { looks, quiesce: calls, delay, latest });
    if (!prepared.ok) return prepared;
    this.#answer = answer;
    return this.#error.handDown(prepared.value, heard);
  }

  async takeBack(): Promise<Result<void>> {
    // A waiter that has ended gives no answers either.
    if (this.#error !== null && this.#answer !== null) await this.#error.takeBack();
    return done;
  }

  /** What the waiter did, in the words of whoever prepared it. */
  #reportOf(given: AnswerGiven | null, number: number): AutomaticReport | null {
    if (given === null || this.#answer === null) return null;
    const { looked, quiesceErrnos, acknowledgeErrno } = given;
    const report = this.#answer.report({
      at: given.at,
      looks: looked.map((bytes) =>
        typeof bytes === 'number' ? this.#refusal(bytes, 'could not be looked at') : success(numberIn(bytes)),
      ),
      calls: quiesceErrnos.map((errno) =>
        errno === 0 ? done : this.#refusal(errno, 'could not be quiesced'),
      ),
      acknowledged:
        acknowledgeErrno === null
          ? null
          : acknowledgeErrno === 0
            ? done
            : this.#refusal(acknowledgeErrno, 'could not be acked'),
    });
    if (report.acknowledge.kind === 'taken') this.#told = { ...this.#told, acknowledged: number };
    return report;
  }

  #refusal(errno: number, what: string): ReturnType<typeof refused> {
    return refused(errno, `${this.address} ${what} at its signal.`);
  }

  async acknowledge(): Promise<Result<void>> {
    return this.#open ? this.#file.acknowledge() : this.#closed();
  }

  async enableMsix(): Promise<Result<void>> {
    if (!this.#open) return this.#closed();
    if (this.abilities.msixVectors === 0) {
      return refused(errnoNumbers.ENOTTY, `${this.address} has no MSI-X.`);
    }
    const grown = await this.interrupts.grow(Math.min(this.abilities.msixVectors, mostVectors));
    if (!grown.ok) return grown;
    return this.#open
      ? this.#file.registerEventfds(VFIO_PCI_MSIX_IRQ_INDEX, this.interrupts.eventfds)
      : this.#closed();
  }

  /**
   * The kernel answers EINVAL when MSI-X is off already (vfio_pci_set_msi_trigger), as it is after an automatic
   * answer; to whoever wants it off that is success.
   */
  async disableMsix(): Promise<Result<void>> {
    if (!this.#open) return this.#closed();
    const off = this.#file.unregister(VFIO_PCI_MSIX_IRQ_INDEX);
    const wasOff = !off.ok && off.error.errno?.number === errnoNumbers.EINVAL;
    return wasOff && this.abilities.msixVectors > 0 ? done : off;
  }

  async reset(): Promise<Result<void>> {
    if (!this.#open) return this.#closed();
    if (!this.abilities.resetKinds.includes('device')) {
      return refused(errnoNumbers.ENOTTY, `${this.address} has no function reset; use "hot".`);
    }
    const answer = await this.#needs.kernel.blocking.make({
      call: 'ioctl',
      fd: this.#file.fd,
      request: vfioRequests.VFIO_DEVICE_RESET,
      argument: 0,
    });
    if (!answer.ok) return answer;
    const { result } = answer.value;
    return result.ok ? done : refused(result.errno, resetSentence(this.address, result.errno));
  }

  async hotReset(): Promise<Result<readonly PciAddress[]>> {
    if (!this.#open) return this.#closed();
    const { kernel, opener } = this.#needs;
    return hotReset(kernel, opener.groups, this.#file, this.#opened.way);
  }

  async takeZpciError(): Promise<Result<Uint8Array | null>> {
    return this.#open ? this.#errors.take() : this.#closed();
  }

  /** Asked anew each time: the handle is another one once the function was enabled anew. */
  async readZpciBase(): Promise<Result<ZpciBase | null>> {
    if (!this.#open) return this.#closed();
    const info = this.#file.info();
    if (!info.ok) return info;
    const base = zpciBaseOf(info.value);
    return success(
      base === undefined
        ? null
        : {
            aperture: { start: base.startDma, end: base.endDma },
            functionHandle: base.functionHandle ?? null,
          },
    );
  }

  async eeh(): Promise<Result<EehReport>> {
    return noEeh(this.address);
  }

  async readConfig(offset: number, width: AccessWidth): Promise<Result<number>> {
    return this.#open ? this.#file.readConfig(offset, width) : this.#closed();
  }

  async writeConfig(offset: number, width: AccessWidth, value: number): Promise<Result<void>> {
    if (!this.#open) return this.#closed();
    const written = this.#file.writeConfig(offset, width, value);
    if (written.ok && offset === configOffset.command)
      this.#memoryOn = (value & commandBit.memorySpace) !== 0;
    return written;
  }

  async readConfigSpace(length?: number): Promise<Result<Uint8Array>> {
    return this.#open ? this.#file.readConfigSpace(length) : this.#closed();
  }

  async readHardwareConfigSpace(length?: number): Promise<Result<Uint8Array>> {
    return this.#open
      ? readHardwareConfigAtOnce(this.#needs.kernel.tree, this.address, length)
      : this.#closed();
  }

  /** By pread: a mapped BAR would kill the process while Memory is off. */
  readBar(bar: number, offset: number, width: AccessWidth): Result<number> {
    return this.#open ? this.#file.readBar(bar, offset, width) : this.#closed();
  }

  writeBar(bar: number, offset: number, width: AccessWidth, value: number): Result<void> {
    return this.#open ? this.#file.writeBar(bar, offset, width, value) : this.#closed();
  }

  async mapBar(bar: number): Promise<Result<void>> {
    if (!this.#open) return this.#closed();
    if (this.#mappings.has(bar)) return done;
    const mapping = this.#file.mapRegion(bar, 'readWrite');
    if (!mapping.ok) return mapping;
    this.#mappings.set(bar, mapping.value);
    return done;
  }

  /** vfio_pci_mmap_fault() answers with SIGBUS while Memory is off in VFIO's own copy of COMMAND, and only then. */
  async loadMapped(bar: number, offset: number, width: AccessWidth): Promise<Result<number>> {
    const mapping = this.#mappings.get(bar);
    const refuse = (why: string) => failure('malformedInput', `BAR ${bar} of ${this.address} ${why}`);
    if (mapping === undefined) return refuse('is not mapped; map it first.');
    // Without MIO a load from a mapped BAR is SIGILL there, and would end this program.
    if (this.abilities.zpci !== null) return refuse('is read by pread on s390x, not from a mapping.');
    if (!this.#memoryOn) return refuse('cannot be loaded from while Memory is off: write COMMAND first.');
    if (offset % width !== 0 || offset + width > mapping.length)
      return refuse(`has no ${width} bytes there.`);
    return success(mapping.read(offset, width));
  }

  async unmapBars(): Promise<Result<void>> {
    let result: Result<void> = done;
    for (const mapping of this.#mappings.values()) {
      const unmapped = mapping.unmap();
      if (!unmapped.ok) result = refused(unmapped.errno, `A BAR of ${this.address} could not be unmapped.`);
    }
    this.#mappings.clear();
    return result;
  }

  async remapDma(): Promise<Result<void>> {
    return this.#open ? this.#buffer.remap() : this.#closed();
  }

  /**
   * A mapped BAR would keep the file open, so that the close released and acked nothing (observation 10): those first.
   * The eventfds stay registered until the kernel has closed the device, as when a program ends. The memory goes last,
   * when no DMA can reach it any more.
   */
  async close(): Promise<Result<void>> {
    if (!this.#open) return this.#closed();
    this.#open = false;
    await this.unmapBars();
    // It holds the number of a file that is closed now and may be another one's soon.
    await this.takeBack();
    const closed = await this.#opened.close(() => this.#buffer.close());
    this.#errors.close();
    await this.interrupts.close();
    await this.#error?.close();
    await this.#request?.close();
    this.#error = null;
    this.#request = null;
    return closed;
  }

  #closed(): ReturnType<typeof refused> {
    return refused(errnoNumbers.EBADF, `${this.address} is not open.`, 'sessionClosed');
  }
}

/** Little-endian, as the config region is (vfio_pci_config.c). */
const numberIn = (bytes: Uint8Array): number => bytes.reduceRight((value, byte) => value * 256 + byte, 0);

const noEeh = (address: PciAddress): ReturnType<typeof refused> =>
  refused(errnoNumbers.ENOTTY, `${address} is in no PE: this platform has no EEH.`);

const resetSentence = (address: PciAddress, errno: number): string =>
  errno === errnoNumbers.EAGAIN
    ? `${address} cannot be reset now: the kernel holds its lock, for a wait or a recovery.`
    : `${address} could not be reset.`;
