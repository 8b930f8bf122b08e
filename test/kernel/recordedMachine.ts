import {
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { errnoOf, type ErrnoName } from '../../src-main/core/errno.ts';
import { parsePciAddress, type PciAddress } from '../../src-main/core/pci/address.ts';
import { done, type Result } from '../../src-main/core/result.ts';
import { refused } from '../../src-main/kernel/refusal.ts';
import type { HostTree } from '../../src-main/kernel/sysfs/hostTree.ts';
import type { SysfsWrite } from '../../src-main/kernel/sysfs/sysfsWrites.ts';
import { Hierarchy, type HierarchyNode } from '../../src-main/rigs/simulated/hardware/hierarchy.ts';
import type { Topology } from '../../src-main/rigs/simulated/hardware/topology.ts';

export const addressOf = (text: string): PciAddress => {
  const parsed = parsePciAddress(text);
  if (!parsed.ok) throw new Error(parsed.error.message);
  return parsed.value;
};

const driverOf = ({ description: { driver } }: HierarchyNode): string | null =>
  driver.kind === 'none' ? null : driver.kind === 'host' ? driver.name : driver.kind;

const none = 'RxErr 0\nBadTLP 0\n';

/**
 * /sys, /proc and /dev as files in a temporary folder, laid out as Linux lays them out, with the functions of a topology
 * and their config spaces. What is written to it changes it as the kernel would, as far as drivers go.
 */
export class RecordedMachine {
  readonly root = mkdtempSync(join(tmpdir(), 'rbench-machine-'));
  readonly tree: HostTree;
  /** Drivers whose probe refuses, and files of the platform that do, and with what. */
  readonly refusing = new Map<string, ErrnoName>();
  /** Which host driver takes which function by its ids. */
  readonly byIds = new Map<PciAddress, string>();
  /** A write that starts with one of these paths is held until it is let go. */
  readonly held = new Map<string, Promise<void>>();
  readonly written: string[] = [];
  /** What a write does to the machine of s390x; its file is given by name. */
  onPlatform: (file: 'recover' | 'power' | 'report_error', text: string) => void = () => undefined;
  /** What the next rescan finds. */
  onRescan: () => void = () => undefined;

  constructor(topology: Topology) {
    const at = (name: string): string => join(this.root, name);
    this.tree = { sys: at('sys'), proc: at('proc'), dev: at('dev'), nameFiles: [at('pci.ids')] };
    for (const name of ['virtio-pci', 'vfio-pci', 'vfio-pci-notify', 'pcieport', 'nvme', 'e1000e']) {
      mkdirSync(join(this.tree.sys, 'bus/pci/drivers', name), { recursive: true });
    }
    mkdirSync(join(this.tree.sys, 'bus/pci/devices'), { recursive: true });
    for (const node of new Hierarchy(topology).nodes) this.#add(node);
    for (const path of ['proc/self/mountinfo', 'proc/swaps', 'proc/net/route']) this.file(path, '\n');
  }

  /** Writes a file below the root, with its folders. */
  file(path: string, content: string | Uint8Array): void {
    mkdirSync(dirname(join(this.root, path)), { recursive: true });
    writeFileSync(join(this.root, path), content);
  }

  link(path: string, target: string): void {
    mkdirSync(dirname(join(this.root, path)), { recursive: true });
    symlinkSync(target, join(this.root, path));
  }

  attribute(address: string, name: string, content: string | Uint8Array): void {
    writeFileSync(join(this.tree.sys, 'bus/pci/devices', address, name), content);
  }

  unlink(address: string, name: string): void {
    unlinkSync(join(this.tree.sys, 'bus/pci/devices', address, name));
  }

  unlinkFolder(path: string): void {
    rmSync(join(this.root, path), { recursive: true });
  }

  read(address: string, name: string): string {
    return readFileSync(join(this.tree.sys, 'bus/pci/devices', address, name), 'utf8').trim();
  }

  /** As when a function is pulled. */
  remove(address: string): void {
    unlinkSync(join(this.tree.sys, 'bus/pci/devices', address));
  }

  restore(address: string, folder: string): void {
    symlinkSync(join(this.tree.sys, folder), join(this.tree.sys, 'bus/pci/devices', address));
  }

  readonly write: SysfsWrite = async (path, content, doing) => {
    const text = typeof content === 'string' ? content : Buffer.from(content).toString('hex');
    for (const [start, until] of this.held) if (path.startsWith(start)) await until;
    this.written.push(`${path.slice(this.tree.sys.length)} ${JSON.stringify(text)}`);
    return this.#take(path, text.trim(), (errno) => refused(errnoOf(errno).number, `${doing}: ${errno}`));
  };

  dispose(): void {
    rmSync(this.root, { recursive: true, force: true });
  }

  #take(path: string, text: string, refuse: (errno: ErrnoName) => Result<never>): Result<void> {
    const file = basename(path);
    const folder = (address: string): string => join(this.tree.sys, 'bus/pci/devices', address);
    if (file === 'driver_override') {
      writeFileSync(path, text === '' ? '(null)\n' : `${text}\n`);
      return done;
    }
    if (file === 'unbind') {
      unlinkSync(join(folder(text), 'driver'));
      return done;
    }
    if (file === 'bind') return this.#probe(addressOf(text), basename(dirname(path)), refuse);
    if (file === 'drivers_probe') {
      const override = readFileSync(join(folder(text), 'driver_override'), 'utf8').trim();
      const driver = override === '(null)' ? this.byIds.get(addressOf(text)) : override;
      return driver === undefined ? done : this.#probe(addressOf(text), driver, refuse);
    }
    if (file === 'recover' || file === 'power' || file === 'report_error') {
      const refusal = this.refusing.get(file);
      if (refusal !== undefined) return refuse(refusal);
      this.onPlatform(file, text);
      return done;
    }
    if (file === 'rescan') {
      this.onRescan();
      return done;
    }
    return refuse('ENOENT');
  }

  #probe(address: PciAddress, driver: string, refuse: (errno: ErrnoName) => Result<never>): Result<void> {
    const folder = join(this.tree.sys, 'bus/pci/devices', address);
    const override = readFileSync(join(folder, 'driver_override'), 'utf8').trim();
    if (override === '(null)' ? this.byIds.get(address) !== driver : override !== driver)
      return refuse('ENODEV');
    const refusal = this.refusing.get(driver);
    if (refusal !== undefined) return refuse(refusal);
    symlinkSync(join(this.tree.sys, 'bus/pci/drivers', driver), join(folder, 'driver'));
    return done;
  }

  #folderOf({ description: { address }, parent }: HierarchyNode): string {
    return parent === undefined
      ? `sys/devices/pci${address.slice(0, -5)}/${address}`
      : `${this.#folderOf(parent)}/${address}`;
  }

  #add(node: HierarchyNode): void {
    const { fn, description } = node;
    const { address, iommuGroup } = description;
    const folder = this.#folderOf(node);
    const config = fn.snapshot();
    const text = (name: string, content: string): void => this.file(`${folder}/${name}`, `${content}\n`);
    const hex = (value: number, digits: number): string => `0x${value.toString(16).padStart(digits, '0')}`;
    text('vendor', hex(fn.template.vendorId, 4));
    text('device', hex(fn.template.deviceId, 4));
    text('class', hex((config[0x0b] ?? 0) * 0x1_0000 + (config[0x0a] ?? 0) * 0x100 + (config[0x09] ?? 0), 6));
    text('driver_override', '(null)');
    this.file(`${folder}/config`, config);
    if (fn.template.space === 'express') text('max_link_speed', '8.0 GT/s PCIe');
    if (fn.aerCapability !== 0) {
      text('aer_dev_correctable', `${none}TOTAL_ERR_COR 0`);
      text('aer_dev_nonfatal', `${none}TOTAL_ERR_NONFATAL 0`);
      text('aer_dev_fatal', `${none}TOTAL_ERR_FATAL 0`);
      if (fn.template.kind === 'rootPort') {
        for (const name of ['cor', 'nonfatal', 'fatal']) text(`aer_rootport_total_err_${name}`, '0');
      }
    }
    this.link(`sys/bus/pci/devices/${address}`, join(this.root, folder));
    const driver = driverOf(node);
    if (driver !== null) this.link(`${folder}/driver`, join(this.tree.sys, 'bus/pci/drivers', driver));
    if (driver !== null && !driver.startsWith('vfio')) this.byIds.set(address, driver);
    if (iommuGroup !== null) {
      const group = `sys/kernel/iommu_groups/${iommuGroup}`;
      this.link(`${group}/devices/${address}`, join(this.root, folder));
      this.link(`${folder}/iommu_group`, join(this.root, group));
      if (driver?.startsWith('vfio') === true) this.file(`dev/vfio/${iommuGroup}`, '');
    }
  }
}
