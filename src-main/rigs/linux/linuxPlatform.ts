import { isVfioDriver } from '../../core/faults/bindPreflight.ts';
import {
  platformRefusal,
  type PlatformOffer,
  type PlatformTarget,
} from '../../core/faults/platformPreflight.ts';
import type { PciAddress } from '../../core/pci/address.ts';
import { success, type Result } from '../../core/result.ts';
import {
  platformActions,
  platformWords,
  type PlatformAction,
  type PlatformReport,
} from '../../core/zpci/platformActions.ts';
import { holdersOf, readHostUses, vfioFilesOf } from '../../kernel/sysfs/hostUse.ts';
import type { HostTree } from '../../kernel/sysfs/hostTree.ts';
import { functionFolder, readPciFunction, type PciFunction } from '../../kernel/sysfs/pciFunction.ts';
import { actOnPlatform, readPlatformMeans, type PlatformDesk } from '../../kernel/sysfs/platformActions.ts';
import type { KernelWork } from '../../kernel/sysfs/sysfsWrites.ts';
import type { RigClock } from '../rig.ts';

export interface LinuxPlatformNeeds {
  readonly desk: PlatformDesk;
  readonly clock: RigClock;
  readonly work: KernelWork;
  /** Milliseconds. */
  readonly patience: number;
  readonly note: (address: PciAddress, text: string) => void;
}

/** What the s390x platform does to functions of this machine; the rules are those of `core/faults/platformPreflight.ts`. */
export class LinuxPlatform {
  readonly #needs: LinuxPlatformNeeds;
  /** By what a function is called when it is not on the bus. */
  readonly #fids = new Map<PciAddress, number>();

  constructor(needs: LinuxPlatformNeeds) {
    this.#needs = needs;
  }

  /** To be told of every function that is seen: one that is powered off is known by its FID alone. */
  saw({ address, zpci }: PciFunction): void {
    if (zpci !== null) this.#fids.set(address, zpci.fid);
  }

  /** Whether the function may be meant although it is not on the bus. */
  knows(address: PciAddress): boolean {
    return this.#fids.has(address);
  }

  async offers(address: PciAddress, openInBench: boolean): Promise<readonly PlatformOffer[]> {
    const target = await this.#target(address, openInBench);
    return platformActions.map((action) => ({ action, refusal: platformRefusal(target, action) }));
  }

  async act(
    address: PciAddress,
    action: PlatformAction,
    openInBench: boolean,
  ): Promise<Result<PlatformReport>> {
    const { desk, clock, work, patience, note } = this.#needs;
    const target = await this.#target(address, openInBench);
    const fid = this.#fids.get(address);
    const refusal = platformRefusal(target, action);
    if (refusal !== null) return { ok: false, error: refusal };
    const begun = clock.now();
    const what = `"${platformWords[action].title}" of ${address}`;
    const late = (result: Result<void>): void =>
      note(address, `The kernel has ended ${what}: ${result.ok ? 'done' : result.error.message}`);
    const acted = await work.outlast({ subject: address, what, patience, late }, () =>
      actOnPlatform(desk, { address, fid: fid ?? 0 }, action),
    );
    if (!acted.ok) return acted;
    const present = (await readPciFunction(desk.tree, address)) !== null;
    return success({ action, took: clock.now() - begun, present });
  }

  async #target(address: PciAddress, openInBench: boolean): Promise<PlatformTarget> {
    const { tree } = this.#needs.desk;
    const found = await readPciFunction(tree, address);
    if (found !== null) this.saw(found);
    const fid = this.#fids.get(address);
    const [means, uses, holders] = await Promise.all([
      fid === undefined ? null : readPlatformMeans(tree, address, fid),
      readHostUses(tree),
      found === null ? [] : holdersIn(tree, found),
    ]);
    return {
      address,
      zpci: found === null ? fid !== undefined : found.zpci !== null,
      present: found !== null,
      ...(uses.get(address) ?? { use: 'free' }),
      openInBench,
      holders,
      canRecover: means?.canRecover ?? false,
      canReport: means?.canReport ?? false,
      powered: means?.powered ?? null,
    };
  }
}

const holdersIn = async (
  tree: HostTree,
  { address, driver, iommuGroup }: PciFunction,
): Promise<readonly string[]> =>
  driver !== null && isVfioDriver(driver)
    ? holdersOf(tree, await vfioFilesOf(tree, functionFolder(tree, address), iommuGroup), process.pid)
    : [];
