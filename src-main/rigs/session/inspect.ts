import { decodeCorrectable, decodeUncorrectable } from '../../core/pci/aer.ts';
import {
  aerControlBit,
  aerRegister,
  deviceStatusBit,
  pciExpressRegister,
} from '../../core/pci/capability-registers.ts';
import type { ErrorRecord, Inspection, Severity } from '../../core/recovery/reports.ts';
import { success, type Result } from '../../core/result.ts';
import { decodeCcdf } from '../../core/zpci/ccdf.ts';
import { describeEventCode, formatEventCode } from '../../core/zpci/eventCodes.ts';
import type { RegisterMap } from './registers.ts';
import type { ConfigPlace, VfioDevice } from './vfioDevice.ts';

const worst = (errors: readonly ErrorRecord[]): Severity => {
  const severities = errors.map((error) => (error.source === 'aer' ? error.severity : 'unknown'));
  return (
    (['fatal', 'nonFatal', 'correctable'] as const).find((severity) => severities.includes(severity)) ??
    'unknown'
  );
};

const reported: readonly (readonly [Severity, number])[] = [
  ['fatal', deviceStatusBit.fatalDetected],
  ['nonFatal', deviceStatusBit.nonFatalDetected],
  ['correctable', deviceStatusBit.correctableDetected],
];

/**
 * Device Status tells the severity of what was detected since the kernel last cleared it, while a fatal bit of an
 * earlier error can stand in Uncorrectable Error Status for ever (observation 5). The kernel's aer_inject fakes the AER
 * registers only, so an empty Device Status says nothing.
 */
const severityOf = (deviceStatus: number, errors: readonly ErrorRecord[]): Severity => {
  const detected = reported.find(([, bit]) => (deviceStatus & bit) !== 0)?.[0];
  const seen = errors.some((error) => error.source === 'aer' && error.severity === detected);
  return detected !== undefined && seen ? detected : worst(errors);
};

/**
 * Reads what the AER capability says. Config reads work during the kernel's wait (observation 11). Without the
 * capability, as with QEMU's nvme, the severity stays unknown.
 */
export const inspectAer = async (device: VfioDevice, map: RegisterMap): Promise<Result<Inspection>> => {
  const values: Result<number>[] = [];
  for (const { offset, width } of errorRegisters(map)) {
    const value = await device.readConfig(offset, width);
    if (!value.ok) return value;
    values.push(value);
  }
  return inspectionOf(values);
};

/** What tells of errors; nothing without the capability. */
export const errorRegisters = (map: RegisterMap): readonly ConfigPlace[] =>
  map.aer === 0
    ? []
    : [
        ...[
          aerRegister.uncorrectableStatus,
          aerRegister.uncorrectableSeverity,
          aerRegister.correctableStatus,
          aerRegister.capabilitiesAndControl,
        ].map((register) => ({ offset: map.aer + register, width: 4 as const })),
        { offset: map.express + pciExpressRegister.deviceStatus, width: 2 },
      ];

/** What the values of `errorRegisters` say, in their order. */
export const inspectionOf = (registers: readonly Result<number>[]): Result<Inspection> => {
  if (registers.length === 0) return success({ severity: 'unknown', errors: [] });
  const values: number[] = [];
  for (const register of registers) {
    if (!register.ok) return register;
    values.push(register.value);
  }
  const [status = 0, severity = 0, correctable = 0, control = 0, deviceStatus = 0] = values;
  // All ones is no set of errors: the device does not answer.
  if (status === 0xffff_ffff) return success({ severity: 'unknown', errors: [] });
  const first = control & aerControlBit.firstErrorPointer;
  const errors: ErrorRecord[] = [
    ...decodeUncorrectable(status, severity).map((finding) => ({
      source: 'aer' as const,
      name: finding.name,
      severity: finding.severity,
      bit: finding.bit,
      first: finding.bit === first,
    })),
    ...decodeCorrectable(correctable).map((finding) => ({
      source: 'aer' as const,
      name: finding.name,
      severity: finding.severity,
      bit: finding.bit,
      first: false,
    })),
  ];
  return success({ severity: severityOf(deviceStatus, errors), errors });
};

const hex = (bytes: Uint8Array): string =>
  Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('');

type CcdfRecord = Extract<ErrorRecord, { source: 'ccdf' }>;

const nameOf = (eventCode: number): string => {
  const description = describeEventCode(eventCode);
  return description.kind === 'error' ? description.name : formatEventCode(eventCode);
};

const hexadecimal = (value: bigint): string => `0x${value.toString(16)}`;

const ccdfRecord = (bytes: Uint8Array): Result<CcdfRecord> => {
  const decoded = decodeCcdf(bytes);
  if (!decoded.ok) return decoded;
  const { eventCode, functionId, functionHandle, failingAddress } = decoded.value;
  return success({
    source: 'ccdf',
    pec: eventCode,
    pecName: nameOf(eventCode),
    fid: functionId,
    functionHandle,
    failingAddress: hexadecimal(failingAddress),
    raw: hex(bytes),
  });
};

/** The kernel queues four (arch/s390/pci/pci_event.c); more means that it is not emptying. */
const drainLimit = 64;

/**
 * Records beside what the function is now: where its DMA may go, and its handle. They are told without when the kernel
 * does not answer for it.
 */
const placed = async (device: VfioDevice, records: readonly CcdfRecord[]): Promise<readonly CcdfRecord[]> => {
  const base = records.length === 0 ? null : await device.readZpciBase();
  if (base === null || !base.ok || base.value === null) return records;
  const { aperture, functionHandle } = base.value;
  return records.map((record) => ({
    ...record,
    aperture: { start: hexadecimal(aperture.start), end: hexadecimal(aperture.end) },
    ...(functionHandle === null ? {} : { handleNow: functionHandle }),
  }));
};

/** Feature 13 until ENOMSG: each GET takes one record out of the kernel's queue. */
export const drainZpciErrors = async (device: VfioDevice): Promise<Result<readonly ErrorRecord[]>> => {
  const records: CcdfRecord[] = [];
  while (records.length < drainLimit) {
    const bytes = await device.takeZpciError();
    // What was taken is gone from the queue, so it is told even if the next call fails.
    if (!bytes.ok) return records.length > 0 ? success(await placed(device, records)) : bytes;
    if (bytes.value === null) break;
    const record = ccdfRecord(bytes.value);
    if (!record.ok) return record;
    records.push(record.value);
  }
  return success(await placed(device, records));
};
