/** Advanced Error Reporting (PCIe 7.8.4; PCI_ERR_*). The bits come from ../aer.ts, so the two cannot disagree. */
import { correctableErrors, uncorrectableErrors } from '../aer.ts';
import type { AerError } from '../aer.ts';
import { longAt } from '../bytes.ts';
import { aerControlBit, aerRegister, portType } from '../capability-registers.ts';
import { bits, extendedHead, flag, hexadecimal, plain, register } from './specification.ts';
import type { FieldSpecification, Layout, RegisterSpecification } from './specification.ts';

const errorFields = (errors: readonly AerError[]): readonly FieldSpecification[] =>
  errors.map((error) => flag(error.bit, error.name, error.lspciName));

const uncorrectable = errorFields(uncorrectableErrors);
const correctable = errorFields(correctableErrors);

const always: readonly RegisterSpecification[] = [
  extendedHead,
  register(aerRegister.uncorrectableStatus, 4, 'uncorrectableStatus', 'UESta', uncorrectable),
  register(aerRegister.uncorrectableMask, 4, 'uncorrectableMask', 'UEMsk', uncorrectable),
  register(aerRegister.uncorrectableSeverity, 4, 'uncorrectableSeverity', 'UESvrt', uncorrectable),
  register(aerRegister.correctableStatus, 4, 'correctableStatus', 'CESta', correctable),
  register(aerRegister.correctableMask, 4, 'correctableMask', 'CEMsk', correctable),
  register(aerRegister.capabilitiesAndControl, 4, 'capabilitiesAndControl', 'AERCap', [
    bits(4, 0, 'firstErrorPointer', 'First Error Pointer', hexadecimal(2)),
    flag(5, 'ecrcGenerationCapable', 'ECRCGenCap'),
    flag(6, 'ecrcGenerationEnable', 'ECRCGenEn'),
    flag(7, 'ecrcCheckCapable', 'ECRCChkCap'),
    flag(8, 'ecrcCheckEnable', 'ECRCChkEn'),
    flag(9, 'multipleHeaderCapable', 'MultHdrRecCap'),
    flag(10, 'multipleHeaderEnable', 'MultHdrRecEn'),
    flag(11, 'tlpPrefixLogPresent', 'TLPPfxPres'),
    flag(12, 'completionTimeoutLogCapable', 'HdrLogCap'),
  ]),
  ...[0, 1, 2, 3].map((index) =>
    plain(aerRegister.headerLog + 4 * index, 4, `headerLog${index}`, `HeaderLog ${index}`, hexadecimal(8)),
  ),
];

const root: readonly RegisterSpecification[] = [
  register(aerRegister.rootCommand, 4, 'rootCommand', 'RootCmd', [
    flag(0, 'correctableEnable', 'CERptEn'),
    flag(1, 'nonFatalEnable', 'NFERptEn'),
    flag(2, 'fatalEnable', 'FERptEn'),
  ]),
  register(aerRegister.rootStatus, 4, 'rootStatus', 'RootSta', [
    flag(0, 'correctableReceived', 'CERcvd'),
    flag(1, 'multipleCorrectableReceived', 'MultCERcvd'),
    flag(2, 'uncorrectableReceived', 'UERcvd'),
    flag(3, 'multipleUncorrectableReceived', 'MultUERcvd'),
    flag(4, 'firstUncorrectableFatal', 'FirstFatal'),
    flag(5, 'nonFatalReceived', 'NonFatalMsg'),
    flag(6, 'fatalReceived', 'FatalMsg'),
    bits(31, 27, 'interruptMessage', 'IntMsg'),
  ]),
  plain(aerRegister.correctableSource, 2, 'correctableSource', 'ERR_COR', hexadecimal(4)),
  plain(aerRegister.uncorrectableSource, 2, 'uncorrectableSource', 'ERR_FATAL/NONFATAL', hexadecimal(4)),
];

const prefixes: readonly RegisterSpecification[] = [0, 1, 2, 3].map((index) =>
  plain(aerRegister.tlpPrefixLog + 4 * index, 4, `tlpPrefixLog${index}`, undefined, hexadecimal(8)),
);

const forPort = [...always, ...root];
const withPrefixes = [...always, ...prefixes];
const forPortWithPrefixes = [...always, ...root, ...prefixes];

/** Root registers only in root ports and event collectors; the prefix log only where the function says so. */
export const advancedErrorReporting: Layout = ({ config, offset, port }) => {
  const capabilities = longAt(config, offset + aerRegister.capabilitiesAndControl);
  const logsPrefixes = (capabilities & aerControlBit.tlpPrefixLogPresent) !== 0;
  if (port === portType.rootPort || port === portType.eventCollector) {
    return logsPrefixes ? forPortWithPrefixes : forPort;
  }
  return logsPrefixes ? withPrefixes : always;
};
