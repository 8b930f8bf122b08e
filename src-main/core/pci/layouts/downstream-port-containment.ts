/** Downstream Port Containment (PCIe 7.9.14; PCI_EXP_DPC_*). */
import { wordAt } from '../bytes.ts';
import { dpcRegister } from '../capability-registers.ts';
import { bits, extendedHead, flag, hexadecimal, oneOf, plain, register } from './specification.ts';
import type { FieldSpecification, Layout, RegisterSpecification } from './specification.ts';

const reason = oneOf('unmasked uncorrectable error', 'ERR_NONFATAL', 'ERR_FATAL', 'see the extension');

const always: readonly RegisterSpecification[] = [
  extendedHead,
  register(dpcRegister.capabilities, 2, 'capabilities', 'DpcCap', [
    bits(4, 0, 'interruptMessage', 'INT Msg'),
    flag(5, 'rootPortExtensions', 'RPExt'),
    flag(6, 'poisonedTlpBlocking', 'PoisonedTLP'),
    flag(7, 'softwareTrigger', 'SwTrigger'),
    bits(11, 8, 'pioLogSize', 'RP PIO Log'),
    flag(12, 'dataLinkActiveSignalling', 'DL_ActiveErr'),
  ]),
  register(dpcRegister.control, 2, 'control', 'DpcCtl', [
    bits(
      1,
      0,
      'triggerEnable',
      'Trigger',
      oneOf('off', 'ERR_FATAL', 'ERR_NONFATAL or ERR_FATAL', 'reserved'),
    ),
    flag(2, 'completionControl', 'Cmpl'),
    flag(3, 'interruptEnable', 'INT'),
    flag(4, 'correctableSignalling', 'ErrCor'),
    flag(5, 'poisonedTlpBlocking', 'PoisonedTLP'),
    flag(6, 'softwareTrigger', 'SwTrigger'),
    flag(7, 'dataLinkActiveSignalling', 'DL_ActiveErr'),
  ]),
  register(dpcRegister.status, 2, 'status', 'DpcSta', [
    flag(0, 'triggered', 'Trigger'),
    bits(2, 1, 'reason', 'Reason', reason),
    flag(3, 'interrupt', 'INT'),
    flag(4, 'rootPortBusy', 'RPBusy'),
    bits(6, 5, 'reasonExtension', 'TriggerExt', hexadecimal(2)),
    bits(12, 8, 'pioFirstErrorPointer', 'RP PIO ErrPtr', hexadecimal(2)),
  ]),
  plain(dpcRegister.source, 2, 'source', 'Source', hexadecimal(4)),
];

/** Requests of the root port itself that went wrong: configuration, I/O, memory, each in three ways. */
const pioFields: readonly FieldSpecification[] = ['configuration', 'io', 'memory'].flatMap((space, index) => [
  flag(8 * index, `${space}UnsupportedRequest`),
  flag(8 * index + 1, `${space}CompleterAbort`),
  flag(8 * index + 2, `${space}Timeout`),
]);

const rootPort: readonly RegisterSpecification[] = [
  register(dpcRegister.rootPortPioStatus, 4, 'rootPortPioStatus', undefined, pioFields),
  register(dpcRegister.rootPortPioMask, 4, 'rootPortPioMask', undefined, pioFields),
  register(dpcRegister.rootPortPioSeverity, 4, 'rootPortPioSeverity', undefined, pioFields),
  register(dpcRegister.rootPortPioSystemError, 4, 'rootPortPioSystemError', undefined, pioFields),
  register(dpcRegister.rootPortPioException, 4, 'rootPortPioException', undefined, pioFields),
];

const logs = Array.from({ length: 9 }, (_, index) =>
  plain(dpcRegister.rootPortPioHeaderLog + 4 * index, 4, `rootPortPioLog${index}`, undefined, hexadecimal(8)),
);
const byLogSize = Array.from({ length: 16 }, (_, size) => [...always, ...rootPort, ...logs.slice(0, size)]);

/** The PIO registers and as many dwords of their log as the capability says are there only in root ports. */
export const downstreamPortContainment: Layout = ({ config, offset }) => {
  const capabilities = wordAt(config, offset + dpcRegister.capabilities);
  return (capabilities & 0x20) === 0 ? always : (byLogSize[(capabilities >>> 8) & 0xf] ?? always);
};
