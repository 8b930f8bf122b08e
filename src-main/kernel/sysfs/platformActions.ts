import { join } from 'node:path';
import { missingCase } from '../../core/exhaustive.ts';
import type { PciAddress } from '../../core/pci/address.ts';
import type { Result } from '../../core/result.ts';
import {
  encodeErrorReport,
  type ErrorNotification,
  type PlatformAction,
} from '../../core/zpci/platformActions.ts';
import type { DriverDesk } from './driverBinding.ts';
import { namesIn, readText, type HostTree } from './hostTree.ts';
import { functionFolder } from './pciFunction.ts';

export interface PlatformDesk extends DriverDesk {
  /** Seconds since 1970. */
  readonly seconds: () => number;
}

/** What s390x calls the slot of a function: its FID (drivers/pci/hotplug/s390_pci_hpc.c, zpci_init_slot()). */
const powerFile = (tree: HostTree, fid: number): string =>
  join(tree.sys, 'bus/pci/slots', fid.toString(16).padStart(8, '0'), 'power');

export interface PlatformMeans {
  readonly canRecover: boolean;
  readonly canReport: boolean;
  readonly powered: boolean | null;
}

export const readPlatformMeans = async (
  tree: HostTree,
  address: PciAddress,
  fid: number,
): Promise<PlatformMeans> => {
  const [names, power] = await Promise.all([
    namesIn(functionFolder(tree, address)),
    readText(powerFile(tree, fid)),
  ]);
  return {
    canRecover: names.includes('recover'),
    canReport: names.includes('report_error'),
    powered: power === null ? null : power === '1',
  };
};

/** Carries an action out; each write takes as long as the kernel does. */
export const actOnPlatform = async (
  { tree, write, seconds }: PlatformDesk,
  { address, fid }: { readonly address: PciAddress; readonly fid: number },
  action: PlatformAction,
): Promise<Result<void>> => {
  const file = (name: string): string => join(functionFolder(tree, address), name);
  const recover = (): Promise<Result<void>> => write(file('recover'), '1', `the recovery of ${address}`);
  const power = (to: '0' | '1'): Promise<Result<void>> =>
    write(powerFile(tree, fid), to, `${to === '1' ? 'powering on' : 'powering off'} the slot of ${address}`);
  const notify = (notification: ErrorNotification, what: string): Promise<Result<void>> =>
    write(file('report_error'), encodeErrorReport(notification, seconds()), `${what} of ${address}`);
  switch (action) {
    case 'recover':
      return recover();
    case 'powerOff':
      return power('0');
    case 'powerOn':
      return power('1');
    case 'zpcictlReset': {
      const reported = await notify('reportError', 'the report');
      return reported.ok ? recover() : reported;
    }
    case 'zpcictlResetFirmware':
      return notify('reset', 'the reset by firmware');
    case 'zpcictlDeconfigure':
      return notify('deconfigure', 'the deconfiguration');
    case 'zpcictlReportError':
      return notify('reportError', 'the report');
    default:
      return missingCase(action);
  }
};
