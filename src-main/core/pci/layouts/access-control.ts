/** ACS (PCIe 7.7.11; PCI_ACS_*) and ARI (7.8.8; PCI_ARI_*): who may talk to whom, and how functions are numbered. */
import { wordAt } from '../bytes.ts';
import { bits, extendedHead, flag, hexadecimal, plain, register } from './specification.ts';
import type { FieldSpecification, Layout, RegisterSpecification } from './specification.ts';

const controls: readonly FieldSpecification[] = [
  flag(0, 'sourceValidation', 'SrcValid'),
  flag(1, 'translationBlocking', 'TransBlk'),
  flag(2, 'requestRedirect', 'ReqRedir'),
  flag(3, 'completionRedirect', 'CmpltRedir'),
  flag(4, 'upstreamForwarding', 'UpstreamFwd'),
  flag(5, 'egressControl', 'EgressCtrl'),
  flag(6, 'directTranslated', 'DirectTrans'),
  flag(7, 'ioRequestBlocking'),
];

const always: readonly RegisterSpecification[] = [
  extendedHead,
  register(0x04, 2, 'capabilities', 'ACSCap', [...controls, bits(15, 8, 'egressVectorBits')]),
  register(0x06, 2, 'control', 'ACSCtl', controls),
];

const egress = Array.from({ length: 8 }, (_, index) =>
  plain(0x08 + 4 * index, 4, `egressVector${index}`, undefined, hexadecimal(8)),
);
const byEgress = Array.from({ length: 9 }, (_, count) => [...always, ...egress.slice(0, count)]);

/** The egress vector is there only with egress control; a size of 0 bits means 256. */
export const accessControlServices: Layout = ({ config, offset }) => {
  const capabilities = wordAt(config, offset + 4);
  const vectorBits = (capabilities & 0x20) === 0 ? 0 : capabilities >>> 8 || 256;
  return byEgress[Math.ceil(vectorBits / 32)] ?? always;
};

export const alternativeRoutingId: readonly RegisterSpecification[] = [
  extendedHead,
  register(0x04, 2, 'capabilities', 'ARICap', [
    flag(0, 'multiFunctionVirtualChannel', 'MFVC'),
    flag(1, 'accessControl', 'ACS'),
    bits(15, 8, 'nextFunction', 'Next Function'),
  ]),
  register(0x06, 2, 'control', 'ARICtl', [
    flag(0, 'multiFunctionVirtualChannel', 'MFVC'),
    flag(1, 'accessControl', 'ACS'),
    bits(6, 4, 'functionGroup', 'Function Group'),
  ]),
];
