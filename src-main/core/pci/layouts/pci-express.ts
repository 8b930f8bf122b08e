/** The PCI Express capability put together by version and port type, and its slot and root registers (PCIe 7.5.3). */
import { wordAt } from '../bytes.ts';
import { pciExpressFlagsBit, pciExpressRegister, portType } from '../capability-registers.ts';
import {
  deviceCapabilities,
  deviceCapabilities2,
  deviceControl,
  deviceControl2,
  deviceStatus,
  deviceStatus2,
  flagsRegister,
  powerLimit,
} from './pci-express-device.ts';
import {
  linkCapabilities,
  linkCapabilities2,
  linkControl,
  linkControl2,
  linkStatus,
  linkStatus2,
} from './pci-express-link.ts';
import { bits, conventionalHead, flag, hexadecimal, oneOf, register } from './specification.ts';
import type { Layout, RegisterSpecification } from './specification.ts';

const indicator = oneOf('Unknown', 'On', 'Blink', 'Off');

const slot: readonly RegisterSpecification[] = [
  register(0x14, 4, 'slotCapabilities', 'SltCap', [
    flag(0, 'attentionButton', 'AttnBtn'),
    flag(1, 'powerController', 'PwrCtrl'),
    flag(2, 'latchSensor', 'MRL'),
    flag(3, 'attentionIndicator', 'AttnInd'),
    flag(4, 'powerIndicator', 'PwrInd'),
    flag(5, 'hotPlugSurprise', 'Surprise'),
    flag(6, 'hotPlugCapable', 'HotPlug'),
    bits(14, 7, 'slotPowerLimit', 'PowerLimit', (value, whole) => powerLimit(value, (whole >>> 15) & 3)),
    bits(16, 15, 'slotPowerLimitScale', undefined, oneOf('x1', 'x0.1', 'x0.01', 'x0.001')),
    flag(17, 'interlock', 'Interlock'),
    flag(18, 'noCommandCompleted', 'NoCompl'),
    bits(31, 19, 'physicalSlotNumber', 'Slot'),
  ]),
  register(0x18, 2, 'slotControl', 'SltCtl', [
    flag(0, 'attentionButtonEnable', 'Enable: AttnBtn'),
    flag(1, 'powerFaultEnable', 'Enable: PwrFlt'),
    flag(2, 'latchSensorEnable', 'Enable: MRL'),
    flag(3, 'presenceEnable', 'Enable: PresDet'),
    flag(4, 'commandCompletedEnable', 'Enable: CmdCplt'),
    flag(5, 'hotPlugInterruptEnable', 'Enable: HPIrq'),
    bits(7, 6, 'attentionIndicator', 'Control: AttnInd', indicator),
    bits(9, 8, 'powerIndicator', 'Control: PwrInd', indicator),
    // Set means that the slot is switched off.
    flag(10, 'powerOff', 'Control: Power'),
    flag(11, 'interlock', 'Control: Interlock'),
    flag(12, 'linkStateEnable', 'Enable: LinkChg'),
    flag(13, 'automaticPowerLimitDisable'),
    flag(14, 'inBandPresenceDisable'),
  ]),
  register(0x1a, 2, 'slotStatus', 'SltSta', [
    flag(0, 'attentionButtonPressed', 'Status: AttnBtn'),
    flag(1, 'powerFault', 'Status: PowerFlt'),
    flag(2, 'latchSensorChanged', 'Changed: MRL'),
    flag(3, 'presenceChanged', 'Changed: PresDet'),
    flag(4, 'commandCompleted', 'Status: CmdCplt'),
    flag(5, 'latchOpen', 'Status: MRL'),
    flag(6, 'presence', 'Status: PresDet'),
    flag(7, 'interlock', 'Status: Interlock'),
    flag(8, 'linkStateChanged', 'Changed: LinkState'),
  ]),
];

const root: readonly RegisterSpecification[] = [
  register(0x1c, 2, 'rootControl', 'RootCtl', [
    flag(0, 'systemErrorOnCorrectable', 'ErrCorrectable'),
    flag(1, 'systemErrorOnNonFatal', 'ErrNon-Fatal'),
    flag(2, 'systemErrorOnFatal', 'ErrFatal'),
    flag(3, 'pmeInterrupt', 'PMEIntEna'),
    flag(4, 'retryStatusVisibility', 'CRSVisible'),
  ]),
  register(0x1e, 2, 'rootCapabilities', 'RootCap', [flag(0, 'retryStatusVisibility', 'CRSVisible')]),
  register(0x20, 4, 'rootStatus', 'RootSta', [
    bits(15, 0, 'pmeRequesterId', 'PME ReqID', hexadecimal(4)),
    flag(16, 'pmeStatus', 'PMEStatus'),
    flag(17, 'pmePending', 'PMEPending'),
  ]),
];

const slot2: readonly RegisterSpecification[] = [
  register(0x34, 4, 'slotCapabilities2', undefined, [flag(0, 'inBandPresenceDisable')]),
  register(0x38, 2, 'slotControl2', undefined, []),
  register(0x3a, 2, 'slotStatus2', undefined, []),
];

const device = [conventionalHead, flagsRegister, deviceCapabilities, deviceControl, deviceStatus];
const link = [linkCapabilities, linkControl, linkStatus];
const device2 = [deviceCapabilities2, deviceControl2, deviceStatus2];
const link2 = [linkCapabilities2, linkControl2, linkStatus2];

/**
 * Version 1 ends after the registers that the port type has; in version 2 all registers have a place and those of a
 * link, slot or root that the function lacks read as zero, so they are left out too.
 */
const assemble = (version2: boolean, hasLink: boolean, hasSlot: boolean, hasRoot: boolean) => [
  ...device,
  ...(hasLink ? link : []),
  ...(hasSlot ? slot : []),
  ...(hasRoot ? root : []),
  ...(version2 ? device2 : []),
  ...(version2 && hasLink ? link2 : []),
  ...(version2 && hasSlot ? slot2 : []),
];

const assembled: readonly (readonly RegisterSpecification[])[] = Array.from({ length: 16 }, (_, choice) =>
  assemble((choice & 8) !== 0, (choice & 4) !== 0, (choice & 2) !== 0, (choice & 1) !== 0),
);

export const pciExpress: Layout = ({ config, offset }) => {
  const flags = wordAt(config, offset + pciExpressRegister.flags);
  const type = (flags & pciExpressFlagsBit.portType) >>> 4;
  const isRoot = type === portType.rootPort || type === portType.eventCollector;
  const hasLink = type !== portType.integratedEndpoint && type !== portType.eventCollector;
  const mayHaveSlot =
    type === portType.rootPort || type === portType.downstreamPort || type === portType.pcieBridge;
  const hasSlot = mayHaveSlot && (flags & pciExpressFlagsBit.slotImplemented) !== 0;
  const version2 = (flags & pciExpressFlagsBit.version) >= 2;
  const choice = (version2 ? 8 : 0) | (hasLink ? 4 : 0) | (hasSlot ? 2 : 0) | (isRoot ? 1 : 0);
  return assembled[choice] ?? device;
};
