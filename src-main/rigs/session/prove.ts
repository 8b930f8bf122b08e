import {
  deviceControlBit,
  msixControlBit,
  msixRegister,
  pciExpressRegister,
} from '../../core/pci/capability-registers.ts';
import { longAt, wordAt } from '../../core/pci/bytes.ts';
import { commandBit, configOffset } from '../../core/pci/registers.ts';
import type { ProofReport } from '../../core/recovery/reports.ts';
import type { RegisterMap } from './registers.ts';
import type { UserSpaceDriver, VfioDevice } from './vfioDevice.ts';

type Check = ProofReport['checks'][number];

const barsOf = (config: Uint8Array): number[] =>
  [0, 1, 2, 3, 4, 5].map((bar) => longAt(config, configOffset.baseAddress0 + 4 * bar));

/**
 * The hardware's view, because VFIO's own shows virtual BARs and ids whatever has happened. `reference` is the
 * hardware's view when the device was opened: the BARs it had then, it has to have now. On s390x the machine decodes
 * addresses and the BARs in config space are not what the kernel uses (arch/s390/pci/pci.c, zpci_setup_bus_resources());
 * QEMU's are 0 all the time.
 */
const checkRegisters = (
  reference: Uint8Array,
  hardware: Uint8Array,
  map: RegisterMap,
  platform: 'aer' | 'zpci' | 'eeh',
): Check => {
  const failed = (detail: string): Check => ({ check: 'registers', result: 'failed', detail });
  if (longAt(hardware, 0) === 0xffff_ffff)
    return failed('The config space reads all ones: the device does not answer.');
  const command = wordAt(hardware, configOffset.command);
  if ((command & commandBit.memorySpace) === 0) return failed('COMMAND has Memory off.');
  if ((command & commandBit.busMaster) === 0) return failed('COMMAND has BusMaster off.');
  const before = barsOf(reference);
  const wrong = barsOf(hardware).findIndex((value, bar) => value !== before[bar]);
  if (wrong !== -1) return failed(`BAR ${wrong} is not what it was when the device was opened.`);
  // The MSI-X table is in a BAR, so there has to be one; a device that was reset while closed has lost them all.
  if (platform !== 'zpci' && map.msix !== 0 && before.every((value) => (value & ~0xf) === 0)) {
    return failed('All BARs are 0: the device was reset before it was opened (observation 10).');
  }
  if (platform === 'aer' && map.express !== 0) {
    const control = wordAt(hardware, map.express + pciExpressRegister.deviceControl);
    if ((control & deviceControlBit.allErrorReporting) === 0) {
      return failed('DevCtl is 0: the next error would not be reported (observation 5).');
    }
    if ((command & commandBit.serr) === 0)
      return failed('COMMAND has SERR off: the next error would vanish.');
  }
  if (map.msix !== 0 && (wordAt(hardware, map.msix + msixRegister.control) & msixControlBit.enable) === 0) {
    return failed('MSI-X is off in the hardware: interrupts would be lost silently (observation 4).');
  }
  return {
    check: 'registers',
    result: 'passed',
    detail: 'COMMAND, BARs, DevCtl and MSI-X are as they have to be.',
  };
};

/** Shows that the device works, or says honestly what was not tried. */
export const prove = async (
  device: VfioDevice,
  driver: UserSpaceDriver | null,
  map: RegisterMap,
  reference: Uint8Array,
  platform: 'aer' | 'zpci' | 'eeh',
): Promise<ProofReport> => {
  const hardware = await device.readHardwareConfigSpace();
  const registers: Check = hardware.ok
    ? checkRegisters(reference, hardware.value, map, platform)
    : { check: 'registers', result: 'failed', detail: hardware.error.message };
  if (driver === null) {
    const detail = 'The bench has no driver for this device.';
    return {
      verdict: registers.result === 'passed' ? 'notProven' : 'failed',
      checks: [
        registers,
        { check: 'dma', result: 'notTried', detail },
        { check: 'msix', result: 'notTried', detail },
      ],
    };
  }
  const dma: Check = { check: 'dma', ...(await driver.proveDma()) };
  const msix: Check =
    map.msix === 0
      ? { check: 'msix', result: 'notTried', detail: 'The device has no MSI-X.' }
      : { check: 'msix', ...(await driver.proveMsix()) };
  const checks = [registers, dma, msix];
  return { verdict: checks.some((check) => check.result === 'failed') ? 'failed' : 'proven', checks };
};
